import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ReadBatches } from "../../../lib/model/mod.ts";

Deno.test("batches grow to what 300 ms of steps are, and shrink where steps are slow", () => {
  const fast = new ReadBatches(0);
  assertEquals([fast.next(), fast.next(), fast.next(), fast.next()], [4, 16, 32, 32], "none has come yet");
  fast.came(4, 2); // half a millisecond a token
  assertEquals([fast.next(), fast.next()], [128, 256]);
  const slow = new ReadBatches(100);
  slow.next();
  slow.came(4, 100 + 4 * 2000);
  assertEquals([slow.next(), slow.next()], [1, 1], "each token is shown when it is there");
});

Deno.test("a batch has at least a step, at most 256, and at most four times those before it", () => {
  const came = fc.array(
    fc.record({ tokens: fc.integer({ min: 1, max: 300 }), after: fc.integer({ min: 0, max: 1e5 }) }),
  );
  fc.assert(fc.property(came, (reads) => {
    const batches = new ReadBatches(0);
    let [tokens, now, last] = [0, 0, batches.next()];
    for (const read of reads) {
      tokens += read.tokens;
      now += read.after;
      batches.came(tokens, now);
      const next = batches.next();
      assert(next >= 1 && next <= Math.min(256, 4 * last), `${next} after ${last}`);
      last = next;
    }
  }));
});
