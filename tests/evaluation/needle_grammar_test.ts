import { assert, assertEquals, assertMatch, assertNotEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import {
  askNeedle,
  type Haystack,
  makeHaystack,
  needleTokens,
  questionTokens,
  Random,
  smallestHaystack,
} from "../../lib/evaluation/mod.ts";

const DET = "(?:the|a|this|that|every)";
const PREP = "(?:in|on|near|under|over|behind|with|from)";
const plain = new RegExp(`^${DET} a\\d+ n\\d+ v\\d+ ${DET} n\\d+ ${PREP} n\\d+ \\.$`);
const named = new RegExp(`^K\\d+ v\\d+ ${DET} a\\d+ n\\d+ ${PREP} ${DET} n\\d+ \\.$`);

/** What is left of a haystack without its needles, as sentences; the last may be cut. */
function sentences({ words, needles }: Haystack): string[] {
  const hidden = new Set(
    needles.flatMap(({ tokenIndex }) => Array.from({ length: needleTokens }, (_, i) => tokenIndex + i)),
  );
  const rest = words.filter((_, index) => !hidden.has(index));
  assertEquals(rest[0], "<s>");
  return rest.slice(1).join(" ").match(/[^.]+\./g)!.map((sentence) => sentence.trim());
}

Deno.test("makeHaystack has exactly so many tokens and its needles where it says", () => {
  const cases = fc.record({ needles: fc.integer({ min: 0, max: 12 }), more: fc.nat(400), seed: fc.nat(10_000) });
  fc.assert(
    fc.property(cases, ({ needles: count, more, seed }) => {
      const tokens = smallestHaystack(count) + more;
      const haystack = makeHaystack({ tokens, needles: count, random: new Random(seed) });
      const { words, text, needles } = haystack;
      assertEquals([words.length, text.split(" ").length, needles.length], [tokens, tokens, count]);
      for (const { name, values, tokenIndex, valueTokenIndices } of needles) {
        assertEquals(words.slice(tokenIndex, tokenIndex + 7), ["secret", "code", "of", name, ...values, "."]);
        assertEquals(valueTokenIndices.map((index) => words[index]), [...values]);
        for (const value of values) assertMatch(value, /^\d{3}$/);
        assertMatch(name, /^K(1?\d?\d)$/);
      }
      assertEquals(new Set(needles.map(({ name }) => name)).size, count);
      assertEquals(words.filter((word) => word === "secret").length, count);
    }),
    { seed: 11, numRuns: 60 },
  );
});

Deno.test("makeHaystack's sentences are the grammar's, one in five with a name", () => {
  const haystack = makeHaystack({ tokens: 20_000, needles: 8, random: new Random(2) });
  const found = sentences(haystack);
  const wrong = found.filter((sentence) => !plain.test(sentence) && !named.test(sentence));
  assertEquals(wrong, []);
  const share = found.filter((sentence) => named.test(sentence)).length / found.length;
  // About 2,200 sentences: a standard deviation of 0.0085.
  assert(Math.abs(share - 0.2) < 0.043, `share of sentences with a name: ${share}`);
});

Deno.test("makeHaystack draws from the whole vocabulary", () => {
  // About 2,200 names are drawn of 200: the chance that one never comes is 0.3 %.
  const { words } = makeHaystack({ tokens: 100_000, needles: 0, random: new Random(4) });
  const kinds: Record<string, number> = { a: 80, n: 160, v: 80, K: 200 };
  for (const [letter, size] of Object.entries(kinds)) {
    const seen = new Set(words.filter((word) => new RegExp(`^${letter}\\d+$`).test(word)));
    assertEquals(seen.size, size);
    assert(seen.has(`${letter}0`) && seen.has(`${letter}${size - 1}`));
  }
});

Deno.test("makeHaystack puts one needle in each stretch, at places that vary", () => {
  const places = Array.from({ length: 50 }, (_, seed) => {
    const { needles } = makeHaystack({ tokens: 8176, needles: 8, random: new Random(seed) });
    needles.forEach(({ tokenIndex }, index) => {
      const stretch = (8176 - 8 * needleTokens) / 8;
      const inFiller = tokenIndex - index * needleTokens - 1;
      assertEquals(Math.floor(inFiller / stretch), index);
    });
    return needles[3].tokenIndex;
  });
  assert(new Set(places).size > 40);
});

Deno.test("makeHaystack gives the same for the same seed and another for another", () => {
  const make = (seed: number) => makeHaystack({ tokens: 300, random: new Random(seed) }).text;
  assertEquals(make(1), make(1));
  assertNotEquals(make(1), make(2));
});

Deno.test("makeHaystack says how many tokens the needles need", () => {
  assertThrows(
    () => makeHaystack({ tokens: 112, random: new Random(1) }),
    RangeError,
    "tokens 112 must be a whole number of at least 113",
  );
  assertThrows(() => makeHaystack({ tokens: 9000, needles: 201, random: new Random(1) }), RangeError, "needles 201");
});

Deno.test("askNeedle's question and answer have the tokens that questionTokens says", () => {
  const { prompt, answer } = askNeedle({ name: "K12", values: ["007", "990"] });
  assertEquals(prompt, "question : what is secret code of K12 ? answer secret code of K12");
  assertEquals(answer, "007 990");
  assertEquals(`${prompt} ${answer}`.split(" ").length, questionTokens);
});
