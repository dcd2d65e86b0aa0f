import { assert, assertEquals } from "@std/assert";
import { loadModel, type Session } from "../../lib/model/mod.ts";
import { gpuTestWith } from "../gpu_test_device.ts";

/** Words of a made-up text; far more blocks of it than a step recalls. */
const TEXT = Array.from({ length: 420 }, (_, index) => (7919 * index + 13 * index * index) % 8192);
const OWN = { block: 8, blocks: 4, local: 48, representatives: 4 };
const TIERS = [
  { valuesOn: "gpu" },
  { valuesOn: "host" },
  // Room for one of the many blocks of one layer: what is recalled was not at hand.
  { valuesOn: "file", valuesFile: { hotBytes: 20_000 } },
  { keysOn: "host" },
  { keysOn: "file", valuesFile: { hotBytes: 20_000 } },
] as const;

/** What each token of an answer attended to, layer by layer. */
async function attended(session: Session): Promise<number[][][]> {
  return (await session.readTrace()).map(({ layers }) => layers.map(({ groups: [{ indices }] }) => [...indices]));
}

// Values from outside are gathered before attention; the other way to decode sums in another order.
gpuTestWith(
  { choices: { "decode attention": "gathered" } },
  "InfLLM recalls the same blocks and gives the same outputs, bit for bit, whichever tier they lie in",
  async (device) => {
    using model = await loadModel("demo", { device });
    for (const far of ["capped", "compact"] as const) {
      const seen: unknown[] = [];
      const bytes: number[] = [];
      for (const cache of TIERS) {
        const knobs = { globalSize: 4, chunkSize: 32, allowBeyondTrained: true, own: { ...OWN, far } };
        using session = model.createSession({ method: "infllm", knobs, trace: true, cache });
        await session.append(TEXT.slice(0, 380));
        using fork = session.fork();
        session.clearTrace();
        const logits = await session.logits(TEXT.slice(380));
        const answer = await session.generate(TEXT.slice(10, 20), { maxTokens: 6, stopTokens: [] });
        const lists = await attended(session);
        const other = await fork.generate(TEXT.slice(300, 310), { maxTokens: 4, stopTokens: [] });
        seen.push({ logits: new Uint32Array(logits.slice().buffer), answer, lists, other });
        bytes.push(session.cacheBytes);
        // A token looks at leading tokens, four blocks that left the window, and the window with what waits for its block.
        const last = (await session.readTrace()).at(-1)!;
        const windowStart = 4 + OWN.block * Math.floor((last.length - 1 - OWN.local + 1 - 4) / OWN.block);
        const whole = 4 + OWN.blocks * OWN.block + last.length - windowStart;
        assertEquals(lists.at(-1)!.map((list) => list.length), new Array(4).fill(whole), far);
        const places = new Set(lists.flatMap((step) => step.flatMap((list) => list[4])));
        assert(places.size > 3, `${far}: blocks come and go, first tokens recalled: ${[...places]}`);
      }
      TIERS.forEach((tier, index) => assertEquals(seen[index], seen[0], `${far}, ${JSON.stringify(tier)}`));
      // Values, half of all, leave the GPU, and then keys too.
      assertEquals(bytes.slice(1), [bytes[0] / 2, bytes[0] / 2, 0, 0]);
    }
  },
);
