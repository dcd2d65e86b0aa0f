import { assertEquals } from "@std/assert";
import { type MethodName, methodNames } from "../../lib/attention/mod.ts";
import { loadModel } from "../../lib/model/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";

const TEXT = Array.from({ length: 320 }, (_, index) => (7919 * index + 13 * index * index) % 8192);
/** Sizes at which all of them have to choose within the text. */
const SMALL = { globalSize: 8, window: 48, k: 2, chunkSize: 32, spanSize: 8, recallClip: 4, allowBeyondTrained: true };
const OWN: Partial<Record<MethodName, Record<string, unknown>>> = {
  "h2o": { heavy: 40, recent: 40 },
  "h2o-compact": { heavy: 40, recent: 40 },
  "oracle": { spans: [[100, 120]] },
};
/** Methods that attend to all tokens: their papers differ in positions alone. */
const EVERYTHING: readonly MethodName[] = [
  ...["full", "linear", "ntk", "yarn", "self-extend", "rerope", "leaky-rerope", "dual-chunk"] as const,
];

gpuTest(
  "any two methods differ in what they attend to somewhere, but for those that attend to everything",
  async (device) => {
    using model = await loadModel("demo", { device });
    const seen = new Map<string, MethodName[]>();
    for (const method of methodNames) {
      const knobs = { ...SMALL, ...(OWN[method] && { own: OWN[method] }) };
      using session = model.createSession({ method, knobs, trace: true });
      await session.append(TEXT);
      await session.generate([5, 6], { maxTokens: 2, stopTokens: [] });
      const steps = (await session.readTrace()).map(({ layers }) =>
        layers.map(({ groups }) => groups.map(({ indices }) => [...indices]))
      );
      // Where all heads attend to the same tokens it is one list, whoever keeps it.
      const lists = steps.map((layers) =>
        layers.map((groups) => [...new Set(groups.map((indices) => indices.join()))].join(";"))
      );
      const key = JSON.stringify(lists);
      seen.set(key, [...seen.get(key) ?? [], method]);
    }
    assertEquals([...seen.values()].filter((methods) => methods.length > 1), [[...EVERYTHING]]);
  },
);
