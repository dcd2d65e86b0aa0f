import { assertEquals } from "@std/assert";
import { OracleSession } from "../../../experiments/compare/oracle_session.ts";
import { OracleSpans, resolveKnobs, type SpanPair } from "../../../lib/attention/mod.ts";
import type { Session } from "../../../lib/model/mod.ts";

/** What a session of the oracle is told for a prompt after a context. */
async function toldFor(context: readonly number[], prompt: readonly number[]): Promise<readonly SpanPair[]> {
  const method = new OracleSpans(resolveKnobs({}));
  let told: readonly SpanPair[] = [];
  method.attendTo = (spans) => void (told = spans);
  const session = {
    method,
    append: () => Promise.resolve(),
    generate: () => Promise.resolve([]),
  } as unknown as Session;
  const oracle = new OracleSession(session);
  await oracle.append(context);
  await oracle.generate(prompt, { maxTokens: 1 });
  return told;
}

const noise = (count: number) => new Array<number>(count).fill(0);
const [LET, IS, A, B, C, CODE, OF] = [1, 2, 3, 4, 5, 6, 7];

Deno.test("OracleSession shows the sentence that ends as the prompt does", async () => {
  const context = [...noise(50), CODE, OF, A, IS, 482, 913, ...noise(50), CODE, OF, B, IS, 111, 222, ...noise(50)];
  assertEquals(await toldFor(context, [9, 9, CODE, OF, B, IS]), [[106 - 8, 106 + 4 + 24]]);
  assertEquals(await toldFor(context, [9, CODE, OF, C, 9]), []);
});

Deno.test("OracleSession follows a chain to where its value stands, before or after it", async () => {
  const [link, value] = [[LET, B, IS, A], [LET, A, IS, 482, 913]];
  const after = [...noise(50), ...link, ...noise(50), ...value, ...noise(50)];
  assertEquals(await toldFor(after, [9, B, IS]), [[51 - 8, 51 + 2 + 24], [105 - 8, 105 + 2 + 24]]);
  const before = [...noise(50), ...value, ...noise(50), ...link, ...noise(50)];
  assertEquals(await toldFor(before, [9, B, IS]), [[51 - 8, 51 + 2 + 24], [106 - 8, 106 + 2 + 24]]);
});
