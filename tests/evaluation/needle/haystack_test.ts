import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import {
  askNeedle,
  type Haystack,
  heldOutFamilyNames,
  heldOutNames,
  heldOutNumbers,
  makeHaystack,
  needleSentence,
  needleVariants,
  Prose,
  Random,
  readBook,
} from "../../../lib/evaluation/mod.ts";
import { loadTokenizer } from "../../../lib/model/mod.ts";
import { vocabulary } from "./fake_session.ts";

const textOf = ({ tokens }: Haystack, start = 0, end = tokens.length) => vocabulary.decode(tokens.slice(start, end));

Deno.test("makeHaystack has exactly so many tokens and its needles where it says", async () => {
  const cases = fc.record({
    needles: fc.integer({ min: 0, max: 6 }),
    variant: fc.constantFrom(...needleVariants),
    more: fc.nat(400),
    clear: fc.nat(100),
    seed: fc.nat(10_000),
  });
  await fc.assert(
    fc.asyncProperty(cases, async ({ needles: count, variant, more, clear, seed }) => {
      const tokens = 1 + 2 * clear + count * 160 + more;
      const random = new Random(seed);
      const haystack = await makeHaystack({ tokenizer: vocabulary, tokens, needles: count, variant, clear, random });
      assertEquals([haystack.tokens.length, haystack.needles.length, haystack.tokens[0]], [tokens, count, 0]);
      for (const needle of haystack.needles) {
        const { tokenIndex, tokenCount, valueTokenIndices, value } = needle;
        const chain = variant.startsWith("chain");
        const sentence = chain ? `Let ${needle.holder} = ${value}.` : needleSentence(needle);
        assertEquals(textOf(haystack, tokenIndex, tokenIndex + tokenCount), ` ${sentence}`);
        assertEquals(valueTokenIndices.map((index) => textOf(haystack, index, index + 1)).join(""), ` ${value}`);
        assert(tokenIndex >= Math.max(1, clear) && tokenIndex + tokenCount <= tokens - clear);
        assertMatch(value, /^\d{3} \d{3}$/);
        for (const number of value.split(" ")) assert(heldOutNumbers.includes(number));
        for (const [part, name] of needle.name.split(" ").entries()) {
          assert((part === 0 ? heldOutNames : heldOutFamilyNames).includes(name), name);
        }
      }
      assertEquals(new Set(haystack.needles.map(({ name }) => name)).size, count);
      const values = textOf(haystack).match(/\d{3} \d{3}(?=\.)/g) ?? [];
      assertEquals(values.length, variant.startsWith("look-alike") ? 5 * count : count);
      assertEquals(new Set(values).size, values.length);
    }),
    { seed: 11, numRuns: 60 },
  );
});

Deno.test("makeHaystack's text without its needles is a novel's, in a ring", async () => {
  const prose = new Prose(vocabulary, "One is here. Two is there. Three is nowhere. Four is gone.");
  const haystack = await makeHaystack({
    ...{ tokenizer: vocabulary, prose, tokens: 40, needles: 1, start: 0.35, random: new Random(1) },
  });
  const { tokenIndex, tokenCount } = haystack.needles[0];
  const rest = textOf(haystack, 1, tokenIndex) + textOf(haystack, tokenIndex + tokenCount);
  // 16 tokens a round, from the first sentence that starts behind a third of them.
  assertEquals(
    rest,
    " Three is nowhere. Four is gone.One is here. Two is there. Three is nowhere. Four is gone.One is here. Two is",
  );
  assert(textOf(haystack, 0, tokenIndex).endsWith("."), "a needle stands behind a sentence");
});

Deno.test("makeHaystack puts look-alikes beside their needle, or apart", async () => {
  for (const variant of ["look-alike", "look-alike-apart"] as const) {
    const random = new Random(3);
    const haystack = await makeHaystack({ tokenizer: vocabulary, tokens: 4000, needles: 2, variant, random });
    const [{ name, kind, tokenIndex }] = haystack.needles;
    const places = [...textOf(haystack).matchAll(/ The ([a-z ]+) of (\S+ \S+) is \d{3} \d{3}\./g)].map((found) => ({
      kind: found[1],
      name: found[2],
      at: found.index,
    }));
    const [given, family] = name.split(" ");
    const alike = places.filter((place) => place.name.startsWith(`${given} `) || place.name.endsWith(` ${family}`));
    assertEquals(alike.length, 5);
    assertEquals(alike.filter((place) => place.name === name && place.kind !== kind).length, 2);
    assertEquals(alike.filter((place) => place.name !== name && place.kind === kind).length, 2);
    const start = textOf(haystack, 0, tokenIndex).length;
    const near = alike.filter(({ at }) => Math.abs(at - start) < 300).length;
    assert(variant === "look-alike" ? near === 5 : near < 5, `${near} of 5 near`);
  }
});

Deno.test("makeHaystack lets every number of a forward chain stand before every link", async () => {
  for (let seed = 0; seed < 10; seed++) {
    const haystack = await makeHaystack({
      ...{ tokenizer: vocabulary, tokens: 900, needles: 4, variant: "chain-direct-forward", random: new Random(seed) },
    });
    const text = textOf(haystack);
    const at = (sentence: string) => text.indexOf(sentence);
    const { needles } = haystack;
    const numbers = needles.map(({ holder, value }) => at(`Let ${holder} = ${value}.`));
    const links = needles.map(({ name, holder }) => at(`Let ${name} = ${holder}.`));
    assert(Math.min(...numbers) > 0 && Math.min(...links) > Math.max(...numbers), `${numbers} and ${links}`);
  }
});

Deno.test("makeHaystack puts one needle in each stretch, at places that vary", async () => {
  const places = [];
  for (let seed = 0; seed < 20; seed++) {
    const { needles } = await makeHaystack({ tokenizer: vocabulary, tokens: 4000, random: new Random(seed) });
    needles.forEach(({ tokenIndex }, index) => assertEquals(Math.floor((tokenIndex - 1 - 11 * index) / 989), index));
    places.push(needles[2].tokenIndex);
  }
  assert(new Set(places).size > 15);
});

Deno.test("makeHaystack gives the same for the same seed and another for another", async () => {
  const make = async (seed: number) =>
    textOf(await makeHaystack({ tokenizer: vocabulary, tokens: 300, random: new Random(seed) }));
  assertEquals(await make(1), await make(1));
  assertNotEquals(await make(1), await make(2));
});

Deno.test("makeHaystack says what can't be", async () => {
  const make = (changes: object) =>
    makeHaystack({ tokenizer: vocabulary, tokens: 400, random: new Random(1), ...changes });
  await assertRejects(() => make({ tokens: 50 }), RangeError, "tokens 50 must be a whole number of at least");
  await assertRejects(() => make({ needles: 126 }), RangeError, "needles 126 must be a whole number from 0 to 125");
  await assertRejects(() => make({ needles: 26, variant: "look-alike" }), RangeError, "from 0 to 25");
  await assertRejects(() => make({ clear: -1 }), RangeError, "clear -1");
  for (const start of [-0.1, 1, NaN]) await assertRejects(() => make({ start }), RangeError, `start ${start} must be`);
  await assertRejects(() => make({ prose: new Prose(vocabulary, "") }), RangeError, "prose has no token");
});

Deno.test("askNeedle words the question as asked", () => {
  const needle = { kind: "secret code", name: "Zena", value: "482 913" };
  const wordings = [0, 1, 2, 3, 4, 5].map((turn) => askNeedle(needle, { wording: "varied", turn }).prompt);
  assertEquals(new Set(wordings).size, 5);
  assertEquals(wordings[5], wordings[0]);
  for (const prompt of wordings) assertMatch(prompt, /^ Question: .*Zena.* Answer: The secret code of Zena is$/);
  assertMatch(askNeedle(needle, { wording: "unseen", opening: false }).prompt, /recall Zena .* Answer:$/);
  const chain = { kind: "", name: "Bo", holder: "Al", value: "482 913" };
  assertEquals(askNeedle(chain, { variant: "chain", opening: false }).answer, "Bo = Al = 482 913");
  for (const variant of ["chain-direct", "chain-direct-forward"] as const) {
    assertEquals(askNeedle(chain, { variant, opening: false }).answer, "482 913");
  }
});

Deno.test("readBook knows its books, and none of them holds a held-out name or a digit", async () => {
  await assertRejects(async () => await readBook("ulysses"), RangeError, '"ulysses" must be one of emma');
  const text = await readBook("persuasion");
  assertMatch(text, /Sir Walter Elliot, of Kellynch Hall/);
  assertEquals(text.match(/\d/), null);
  const words = new Set(text.match(/[A-Za-z]+/g));
  assertEquals([...heldOutNames, ...heldOutFamilyNames].filter((name) => words.has(name)), []);
});

Deno.test("the embedded model has held-out names and all numbers of three digits as whole tokens", async () => {
  const tokenizer = await loadTokenizer(new URL("../../../lib/model/demo/", import.meta.url));
  const pieces = (text: string) => tokenizer.encode(text, { addSpecialTokens: false }).length;
  for (const name of heldOutNames) assertEquals(pieces(` ${name}`), 1, name);
  for (let number = 0; number < 1000; number++) {
    const digits = String(number).padStart(3, "0");
    assertEquals([pieces(` ${digits}`), pieces(digits)], [1, 1], digits);
  }
});
