import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ModelTokenizer, openingTokens, type TokenEncoder, TokenStream } from "../../../lib/model/mod.ts";
import { readText } from "../../../lib/platform.ts";
import { readBook } from "../../../lib/evaluation/mod.ts";

const demoJson = JSON.parse(await readText(new URL("../../../lib/model/demo/tokenizer.json", import.meta.url)));
const LLAMA_3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" +
  "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

/** The embedded model's vocabulary behind another pattern of words. */
function withPattern(pattern: string): ModelTokenizer {
  const [, bytes] = demoJson.pre_tokenizer.pretokenizers;
  const split = { type: "Split", pattern: { Regex: pattern }, behavior: "Isolated", invert: false };
  return ModelTokenizer.fromJson({ ...demoJson, pre_tokenizer: { type: "Sequence", pretokenizers: [split, bytes] } });
}

/** Merges without words, blanks spelled "▁" and one put before the text: as Llama 2 has them. */
function likeSentencePiece(): ModelTokenizer {
  const merges = [
    "t h",
    "▁ th",
    "▁th e",
    "▁ a",
    "a n",
    "an d",
    "▁ and",
    "e r",
    "i n",
    "in g",
    "o u",
    "▁ w",
    "▁w as",
    "a s",
  ];
  const letters = [..."▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,;!?'\"-\n0123456789"];
  const tokens = ["<unk>", "<s>", ...letters, ...merges.map((merge) => merge.replace(" ", ""))];
  const vocab = Object.fromEntries([...new Set(tokens)].map((token, id) => [token, id]));
  return ModelTokenizer.fromJson({
    model: { type: "BPE", vocab, merges, unk_token: "<unk>", fuse_unk: true },
    normalizer: {
      type: "Sequence",
      normalizers: [{ type: "Prepend", prepend: "▁" }, { type: "Replace", pattern: { String: " " }, content: "▁" }],
    },
    post_processor: { type: "TemplateProcessing", ...demoJson.post_processor },
  });
}

const tokenizers: Record<string, ModelTokenizer> = {
  "the embedded model's": ModelTokenizer.fromJson(demoJson),
  "one with Llama 3's words": withPattern(LLAMA_3),
  "one without words": likeSentencePiece(),
};

/** Texts of words, blanks, marks, lines and characters of several code units, longer than what is cut at a time. */
const texts = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom("the", " the", " and", " was", "ing", " It's", " Élan", " naïve") },
    {
      weight: 2,
      arbitrary: fc.constantFrom(". ", ", ", "\n", "\n\n", "  ", "\t", " — ", "'ll ", "12345", " 482 913", "<s>"),
    },
    { weight: 1, arbitrary: fc.constantFrom("语言模型。", "🙂🙂", "👩‍👩‍👧", "e\u0301", " हिन्दी", "\u00a0") },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
  ),
  { minLength: 4_000, maxLength: 9_000, size: "max" },
).map((parts) => parts.join("").toWellFormed());

function streamed(tokenizer: TokenEncoder, pieces: readonly string[]): number[] {
  const stream = new TokenStream(tokenizer);
  return [...pieces.flatMap((piece) => stream.push(piece)), ...stream.end()];
}

function cut(text: string, cuts: readonly number[]): string[] {
  const places = [0, ...cuts.map((share) => Math.floor(share * text.length)), text.length].sort((a, b) => a - b);
  return places.slice(1).map((end, index) => text.slice(places[index], end));
}

const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });

for (const [name, tokenizer] of Object.entries(tokenizers)) {
  Deno.test(`TokenStream gives the whole text's tokens whatever the pieces, with ${name} tokenizer`, () => {
    fc.assert(
      fc.property(texts, shares, (text, cuts) => {
        assertEquals(
          streamed(tokenizer, cut(text, cuts)),
          tokenizer.encode(text, { addSpecialTokens: false }),
        );
      }),
      { numRuns: 8 },
    );
  });
}

Deno.test("TokenStream gives a book's tokens, and before its end", async () => {
  const text = (await readBook("persuasion")).slice(0, 200_000);
  const tokenizer = tokenizers["the embedded model's"];
  const stream = new TokenStream(tokenizer);
  const early = stream.push(text);
  assert(early.length > 40_000, `${early.length} tokens before the end`);
  assertEquals([...early, ...stream.end()], tokenizer.encode(text, { addSpecialTokens: false }));
});

Deno.test("TokenStream cuts a script without blanks at its marks", () => {
  const text = "语言模型读很长的文章，然后回答问题。".repeat(4000);
  const tokenizer = tokenizers["one with Llama 3's words"];
  const stream = new TokenStream(tokenizer);
  const early = stream.push(text);
  assert(early.length > 0);
  assertEquals([...early, ...stream.end()], tokenizer.encode(text, { addSpecialTokens: false }));
});

Deno.test("TokenStream refuses millions of characters without a place to cut at", () => {
  const letters = { encode: (text: string) => [...text].map((letter) => letter.codePointAt(0)!) };
  const stream = new TokenStream(letters);
  assertThrows(() => stream.push("a".repeat(5_000_000)), RangeError, "in which no word ends");
});

Deno.test("openingTokens are those before a text", () => {
  assertEquals(openingTokens(tokenizers["the embedded model's"]), [0]);
  assertEquals(openingTokens({ encode: (text) => [text.length] }), []);
});
