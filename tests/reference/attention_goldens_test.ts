import { assertEquals, assertGreater } from "@std/assert";
import {
  expandSpans,
  knobsFromReference,
  middleLayout,
  promptChunks,
  ReferenceLayer,
  rotaryFrequencies,
} from "../../lib/reference/mod.ts";
import { assertClose } from "../assert_close.ts";
import { type AttentionGolden, attentionGoldenNames, readAttentionGolden } from "../goldens.ts";

function layerOf(golden: AttentionGolden): ReferenceLayer {
  const { knobs, queryHeads, keyValueHeads, headSize, ropeBase } = knobsFromReference(golden.knobs);
  return new ReferenceLayer({
    queryHeads: queryHeads!,
    keyValueHeads: keyValueHeads!,
    headSize: headSize!,
    knobs,
    frequencies: rotaryFrequencies(headSize!, ropeBase),
  });
}

for (const name of attentionGoldenNames()) {
  Deno.test(`ReferenceLayer gives what golden ${name} gives`, async () => {
    const golden = await readAttentionGolden(name);
    const layer = layerOf(golden);
    assertGreater(golden.steps.length, 0);
    for (const [number, step] of golden.steps.entries()) {
      const label = `step ${number}`;
      const result = layer.step(step);
      assertEquals(layer.length, step.cacheLength, label);
      assertEquals([result.mode, result.scope], [step.mode, step.scope], label);
      assertEquals([...result.indices], [...step.indices], label);
      assertEquals([...result.positions], [...step.positions], label);
      assertEquals([...result.centers], [...step.centers], label);
      assertEquals([...result.votes], [...step.votes], label);
      // The goldens were summed in f32 over a few hundred tokens, from cosines in f32: about 3e-6 apart; ALGORITHM section 10 allows 1e-4.
      assertClose(result.out, step.out, { absolute: 1e-4, label });
      if (step.mode === "select") {
        const layout = middleLayout(step.cacheLength, layer.knobs);
        assertEquals([layout.middleLength, layout.windowLength], [step.middleLength, step.windowLength], label);
        const spans = expandSpans(
          [...step.centers].map((center) => center - layout.middleStart),
          layer.knobs.spanSize,
          layout.middleLength,
        );
        assertEquals(spans.length, step.scope - layout.middleStart - layout.windowLength, label);
      }
    }
  });
}

Deno.test("promptChunks cuts prompts as the goldens that follow ALGORITHM section 7 do", async () => {
  let followed = 0;
  for (const name of attentionGoldenNames()) {
    const golden = await readAttentionGolden(name);
    const { knobs } = knobsFromReference(golden.knobs);
    const read = golden.steps.filter(({ kind }) => kind !== "decode").map(({ length }) => length);
    // Where the published driver reads the prompt in one call, or a case gives its own steps, there is nothing to compare.
    const oneCall = read.length === 1 || knobs.recall === "generate" || knobs.recall === "never";
    const whole = read.slice(1, -1).every((length) => length === knobs.chunkSize);
    if (oneCall || !whole) continue;
    const { first, chunks } = promptChunks(golden.promptLength + 1, knobs);
    assertEquals([first, ...chunks], read, name);
    followed++;
  }
  assertGreater(followed, 10);
});
