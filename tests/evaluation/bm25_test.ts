import { assertAlmostEquals, assertEquals } from "@std/assert";
import { bm25Scores, RetrievalSession } from "../../lib/evaluation/mod.ts";

Deno.test("bm25Scores gives the numbers of the formula worked out by hand", () => {
  // N 2; "a" in both, "b" in one; lengths 2 and 4, mean 3; k1 1.2, b 0.75.
  const [first, second] = bm25Scores(["a", "b", "b"], [["a", "b"], ["a", "a", "c", "d"]]);
  const rarityA = Math.log(1 + 0.5 / 2.5);
  const rarityB = Math.log(1 + 1.5 / 1.5);
  const part = (count: number, length: number) => count * 2.2 / (count + 1.2 * (0.25 + 0.75 * length / 3));
  assertAlmostEquals(first, rarityA * part(1, 2) + rarityB * part(1, 2), 1e-12);
  assertAlmostEquals(second, rarityA * part(2, 4), 1e-12);
  assertEquals(bm25Scores(["a"], []), []);
});

Deno.test("RetrievalSession reads the spans that share the question's words, in their order, within its budget", async () => {
  const words = Array.from({ length: 40 }, (_, token) => token === 9 ? "zena" : token === 31 ? "code" : `w${token}`);
  const read: number[][] = [];
  class Inner {
    readonly scope = 7;
    append(tokens: readonly number[]) {
      read.push([...tokens]);
      return Promise.resolve();
    }
    fork() {
      return this;
    }
    markQuestion() {}
    generate() {
      return Promise.resolve([1]);
    }
    [Symbol.dispose]() {}
  }
  const tokenizer = {
    encode: () => [99],
    decode: (tokens: readonly number[]) => tokens.map((token) => words[token] ?? "zena code").join(" "),
  };
  const session = new RetrievalSession({ createSession: () => new Inner(), tokenizer, budget: 10, spanSize: 4 });
  await session.append(words.map((_, token) => token));
  await session.fork().generate([50], { maxTokens: 1 });
  assertEquals(read, [[99, 6, 7, 8, 9, 10, 11, 28, 29, 30, 31]]);
});
