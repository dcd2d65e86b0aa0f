import { assert, assertEquals } from "@std/assert";
import { methodNames } from "../../lib/attention/mod.ts";
import { loadModel } from "../../lib/model/mod.ts";
import { attendedSpans, selectedSpansFigure } from "../../lib/viz/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";

const CONTEXT = Array.from({ length: 640 }, (_, i) => (7919 * i + 13 * i * i) % 8192);
/** Methods that attend to some tokens between the first and the last ones, and not to others. */
const PICKS =
  /^(infllm|quest|quest-compact|h2o|h2o-compact|snapkv|snapkv-compact|token-select|long-heads|reattention|reattention-window|random)$/;

gpuTest(
  "every method's trace gives spans and a figure; those of methods that pick have spans between",
  async (device) => {
    using model = await loadModel("demo", { device });
    for (const method of methodNames) {
      using session = model.createSession({ method, knobs: { allowBeyondTrained: true }, trace: true });
      await session.append(CONTEXT);
      session.clearTrace();
      await session.generate(CONTEXT.slice(0, 2), { maxTokens: 2, stopTokens: [] });
      const { length, layers } = (await session.readTrace()).at(-1)!;
      assertEquals(layers.length, 4, method);
      const groups = layers.flatMap((layer) => layer.groups);
      for (const group of groups) {
        const spans = attendedSpans(group);
        const covered = spans.reduce((sum, { start, end }) => sum + end - start, 0);
        assertEquals(covered, group.indices.length, method);
        assertEquals(group.indices.at(-1), length - 1, method);
        for (const center of group.centers) {
          assert(
            spans.some(({ start, end }) => center >= start && center < end),
            `${method}: ${center} is attended to`,
          );
        }
      }
      const picks = groups.some((group) =>
        group.indices.length < length && attendedSpans(group).some(({ kind }) => kind === "selected")
      );
      assertEquals(picks, PICKS.test(method), method);
      const figure = selectedSpansFigure({ layers, length });
      assert(figure.data.length > 0, method);
    }
  },
);
