import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ModelFileError } from "../../../lib/model/model_file_error.ts";
import { loadTokenizer, ModelTokenizer } from "../../../lib/model/text/tokenizer.ts";
import { PlatformError } from "../../../lib/platform.ts";

const words = ModelTokenizer.fromJson({
  model: { type: "WordLevel", vocab: { "?": 0, the: 1, code: 2, ".": 3, "482": 4 }, unk_token: "?" },
  pre_tokenizer: { type: "WhitespaceSplit" },
});

/** The letters that byte-level vocabularies spell the 256 bytes with (GPT-2): printable ones stand for themselves. */
function byteLetters(): string[] {
  const printable = (byte: number) => (byte > 32 && byte < 127) || (byte > 160 && byte < 256 && byte !== 173);
  let moved = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : moved++));
}

/** A byte-level BPE tokenizer as of Llama 3: all bytes, a few merges, and a token for the start of a text. */
function byteLevel(): ModelTokenizer {
  const letters = byteLetters();
  const merges = [["t", "h"], ["th", "e"], ["Ġ", "the"]];
  const vocab = Object.fromEntries([...letters, ...merges.map((pair) => pair.join(""))].map((text, id) => [text, id]));
  const begin = { id: Object.keys(vocab).length, content: "<|begin|>", special: true, normalized: false };
  const byteLevelPart = { type: "ByteLevel", add_prefix_space: false, trim_offsets: true, use_regex: true };
  const beginItem = { SpecialToken: { id: begin.content, type_id: 0 } };
  return ModelTokenizer.fromJson({
    added_tokens: [begin],
    normalizer: null,
    pre_tokenizer: byteLevelPart,
    post_processor: {
      type: "TemplateProcessing",
      single: [beginItem, { Sequence: { id: "A", type_id: 0 } }],
      pair: [],
      special_tokens: { [begin.content]: { id: begin.content, ids: [begin.id], tokens: [begin.content] } },
    },
    decoder: byteLevelPart,
    model: { type: "BPE", vocab, merges, ignore_merges: true },
  });
}

function streamed(tokenizer: ModelTokenizer, ids: readonly number[]): string {
  const stream = tokenizer.textStream();
  return ids.map((id) => stream.push(id)).join("") + stream.end();
}

Deno.test("ModelTokenizer joins word-level tokens by one blank and tidies nothing up", () => {
  assertEquals(words.encode("the code  482 ."), [1, 2, 4, 3]);
  assertEquals(words.decode([1, 2, 4, 3]), "the code 482 .");
  assertEquals(words.tokenText(4), "482");
  assertEquals([words.vocabularySize, words.tokenId("code"), words.tokenId("gone")], [5, 2, undefined]);
  assertEquals([words.encode(""), words.decode([])], [[], ""]);
});

Deno.test("ModelTokenizer gives unknown words the model's unknown token", () => {
  assertEquals(words.encode("the unheard code"), [1, 0, 2]);
  const without = ModelTokenizer.fromJson({
    model: { type: "WordLevel", vocab: { the: 0 } },
    pre_tokenizer: { type: "WhitespaceSplit" },
  });
  assertThrows(() => without.encode("the unheard"), RangeError, 'no token for "unheard"');
});

Deno.test("ModelTokenizer refuses ids that are not of the vocabulary", () => {
  for (const id of [5, -1, 1.5, NaN]) assertThrows(() => words.decode([1, id]), RangeError, `token ${id} is not of`);
});

Deno.test("ModelTokenizer adds and leaves out special tokens as asked", () => {
  const tokenizer = byteLevel();
  const begin = tokenizer.tokenId("<|begin|>")!;
  assertEquals(tokenizer.vocabularySize, begin + 1);
  const ids = tokenizer.encode("the");
  assertEquals([ids[0], ids.length], [begin, 2]);
  assertEquals(tokenizer.encode("the", { addSpecialTokens: false }), ids.slice(1));
  assertEquals(tokenizer.decode(ids), "<|begin|>the");
  assertEquals(tokenizer.decode(ids, { skipSpecialTokens: true }), "the");
  assertEquals(tokenizer.encode("<|begin|>", { addSpecialTokens: false }), [begin]);
});

Deno.test("ModelTokenizer decodes what it encoded, byte for byte", () => {
  const tokenizer = byteLevel();
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 30 }), (text) => {
      if (text.includes("<|begin|>")) return;
      assertEquals(tokenizer.decode(tokenizer.encode(text, { addSpecialTokens: false })), text);
    }),
    { seed: 5, numRuns: 300 },
  );
});

Deno.test("TextStream holds a character back until all of its bytes came", () => {
  const tokenizer = byteLevel();
  const ids = tokenizer.encode("a🙂b", { addSpecialTokens: false });
  const stream = tokenizer.textStream();
  assertEquals(ids.map((id) => stream.push(id)), ["a", "", "", "", "🙂", "b"]);
  assertEquals(stream.end(), "");
});

Deno.test("TextStream shows a character that never came whole at its end, and then starts anew", () => {
  const tokenizer = byteLevel();
  const stream = tokenizer.textStream();
  const [first] = tokenizer.encode("é", { addSpecialTokens: false });
  assertEquals([stream.push(first), stream.end(), stream.end()], ["", "\uFFFD", ""]);
  assertEquals(stream.push(tokenizer.tokenId("t")!), "t");
});

Deno.test("TextStream leaves special tokens out without losing a blank", () => {
  const tokenizer = byteLevel();
  const begin = tokenizer.tokenId("<|begin|>")!;
  const the = tokenizer.encode(" the", { addSpecialTokens: false });
  const stream = tokenizer.textStream({ skipSpecialTokens: true });
  assertEquals([begin, ...the, begin, ...the].map((id) => stream.push(id)), ["", " the", "", " the"]);
});

Deno.test("TextStream's pieces joined are the whole text, for any tokens", () => {
  for (const tokenizer of [words, byteLevel()]) {
    const token = fc.nat(tokenizer.vocabularySize - 1);
    fc.assert(
      fc.property(fc.array(token, { maxLength: 25 }), (ids) => {
        assertEquals(streamed(tokenizer, ids), tokenizer.decode(ids));
      }),
      { seed: 3, numRuns: 300 },
    );
  }
});

Deno.test("TextStream gives an endless run of broken bytes out again", () => {
  const tokenizer = byteLevel();
  const broken = tokenizer.tokenId(byteLetters()[0xe2])!;
  const stream = tokenizer.textStream();
  let out = "";
  for (let index = 0; index < 100; index++) out += stream.push(broken);
  assert(out.length >= 99, `${out.length} of 100 came out`);
});

Deno.test("loadTokenizer reads a folder, with the config beside it or without", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await assertRejects(() => loadTokenizer(folder), PlatformError, "tokenizer.json: no such file");
    await Deno.writeTextFile(`${folder}/tokenizer.json`, "{");
    await assertRejects(() => loadTokenizer(folder), ModelFileError, "tokenizer.json: not valid JSON");
    await Deno.writeTextFile(`${folder}/tokenizer.json`, "{}");
    await assertRejects(() => loadTokenizer(folder), ModelFileError, "tokenizer.json: model must be an object");
    await Deno.writeTextFile(`${folder}/tokenizer.json`, JSON.stringify({ model: { type: "Unheard", vocab: {} } }));
    await assertRejects(() => loadTokenizer(folder), ModelFileError, "model.type must be one of BPE,");
    const model = { type: "WordLevel", vocab: { "?": 0, a: 1 }, unk_token: "?" };
    await Deno.writeTextFile(
      `${folder}/tokenizer.json`,
      JSON.stringify({ model, pre_tokenizer: { type: "WhitespaceSplit" } }),
    );
    // A config that would have blanks tidied up must not change what is decoded.
    await Deno.writeTextFile(`${folder}/tokenizer_config.json`, JSON.stringify({ clean_up_tokenization_spaces: true }));
    assertEquals((await loadTokenizer(folder)).decode([1, 0]), "a ?");
    await Deno.writeTextFile(`${folder}/tokenizer_config.json`, "nope");
    await assertRejects(() => loadTokenizer(folder), ModelFileError, "tokenizer_config.json: not valid JSON");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
