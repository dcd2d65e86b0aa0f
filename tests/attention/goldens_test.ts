import { assertEquals } from "@std/assert";
import { createMethod, resolveKnobs } from "../../lib/attention/mod.ts";
import { knobsFromReference } from "../../lib/reference/mod.ts";
import { assertClose } from "../assert_close.ts";
import { attentionGoldenNames, readAttentionGolden } from "../goldens.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { swapAxes, TestLayer } from "./layer.ts";

// The GPU adds in f32, the goldens' PyTorch too but in another order; outputs are of size 1.
const TOLERANCE = { absolute: 1e-4, relative: 0 };

for (const name of attentionGoldenNames()) {
  gpuTest(`ReAttention selects and attends as golden ${name}`, async (device) => {
    const golden = await readAttentionGolden(name);
    const { knobs, queryHeads, keyValueHeads, headSize, ropeBase } = knobsFromReference(golden.knobs);
    const shape = { layers: 1, queryHeads: queryHeads!, keyValueHeads: keyValueHeads!, headSize: headSize! };
    const method = createMethod("reattention", resolveKnobs(knobs), shape);
    // Pages of 16 tokens: spans and windows cross many of them.
    using layer = new TestLayer(device, shape, method, { pageTokens: 16, ropeBase });
    for (const [number, step] of golden.steps.entries()) {
      const rows = step.length;
      const output = await layer.run({
        rows,
        queries: swapAxes(step.queries, shape.queryHeads, rows, shape.headSize),
        keys: swapAxes(step.keys, shape.keyValueHeads, rows, shape.headSize),
        values: swapAxes(step.values, shape.keyValueHeads, rows, shape.headSize),
      });
      const expected = swapAxes(step.out, shape.queryHeads, rows, shape.headSize);
      assertClose(output, expected, { ...TOLERANCE, label: `step ${number}` });
    }
    const trace = await layer.readTrace();
    assertEquals(trace.length, golden.steps.length);
    for (const [number, { kind, layers: [{ groups: [group] }] }] of trace.entries()) {
      const step = golden.steps[number];
      assertEquals(kind, step.mode);
      assertEquals([...group.indices], [...step.indices], `step ${number}: indices`);
      if (kind !== "select") continue;
      assertEquals([...group.centers], [...step.centers], `step ${number}: centers`);
      assertEquals([...group.votes], [...step.votes], `step ${number}: votes`);
    }
    assertEquals(await layer.scope(), Math.max(...golden.steps.map(({ scope }) => scope)));
  });
}
