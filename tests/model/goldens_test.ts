import { assertEquals, assertThrows } from "@std/assert";
import type { Device } from "../../lib/gpu/mod.ts";
import { loadModel, type Model } from "../../lib/model/mod.ts";
import { SafetensorsFile } from "../../lib/model/weights/safetensors.ts";
import { assertClose } from "../assert_close.ts";
import { dotTiles, vectorQuestions } from "../../lib/tensor/vector_tiles.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { knobsFromReference } from "../../lib/reference/mod.ts";
import type { Knobs } from "../../lib/attention/mod.ts";

const folder = new URL("../../../shared/goldens/models/", import.meta.url);
const names = [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

// Sums of some hundred products in f32 against PyTorch's in another order; logits here are of size 1 to 10.
const TOLERANCE = { absolute: 1e-3, relative: 0 };

/** What a GPU takes where a software adapter does not: matrices in one tensor, and few rows by whole workgroups. */
const AS_ON_A_GPU: Readonly<Record<string, string>> = {
  "projections": "stacked",
  ...Object.fromEntries(
    vectorQuestions(true).map((question, index) => [question, dotTiles[index % dotTiles.length].name]),
  ),
  "decode attention": "split",
  "greedy choice": "many workgroups",
};

for (const name of names) {
  gpuTest(`${name} gives its logits and greedy continuation as a GPU computes them too`, async (device) => {
    for (const [question, option] of Object.entries(AS_ON_A_GPU)) device.choices.pick(question, option);
    try {
      await checkGolden(device, name);
    } finally {
      for (const question of Object.keys(AS_ON_A_GPU)) device.choices.pick(question, undefined);
    }
  });

  gpuTest(`loadModel gives the logits and the greedy continuation of ${name}`, (device) => checkGolden(device, name));

  for (const variant of reattentionGoldens(name)) {
    gpuTest(`ReAttention inside ${name} selects and answers as in ${variant}`, async (device) => {
      using model = await loadModel(new URL(`${name}/`, folder), { device });
      await checkReAttention(model, await SafetensorsFile.open(new URL(`${name}/${variant}`, folder)));
    });
  }
}

async function checkGolden(device: Device, name: string): Promise<void> {
  const url = new URL(`${name}/`, folder);
  using model = await loadModel(url, { device });
  const golden = await SafetensorsFile.open(new URL("golden.safetensors", url));
  const ids = [...await golden.readInts("input_ids")];
  using session = model.createSession({ method: "full", knobs: { chunkSize: 7, allowBeyondTrained: true } });
  assertClose(await session.logits(ids), await golden.readFloats("logits"), {
    ...TOLERANCE,
    label: `${name} logits`,
  });
  const greedy = [...await golden.readInts("greedy_ids")];
  using other = model.createSession({ method: "full", knobs: { allowBeyondTrained: true } });
  assertEquals(await other.generate(ids, { maxTokens: greedy.length, stopTokens: [] }), greedy);
}

function reattentionGoldens(name: string): string[] {
  return [...Deno.readDirSync(new URL(`${name}/`, folder))].map(({ name: file }) => file)
    .filter((file) => file.startsWith("reattention_")).sort();
}

async function checkReAttention(model: Model, golden: SafetensorsFile): Promise<void> {
  const { knobs: found } = knobsFromReference(JSON.parse(golden.metadata.knobs));
  const { queryCacheLength: _unused, ...knobs } = found;
  using session = model.createSession({
    method: "reattention",
    knobs: { ...knobs, allowBeyondTrained: true } as Partial<Knobs>,
    trace: true,
  });
  const ids = [...await golden.readInts("input_ids")];
  const greedy = [...await golden.readInts("greedy_ids")];
  assertEquals(await session.generate(ids, { maxTokens: greedy.length, stopTokens: [] }), greedy);
  const trace = await session.readTrace();
  const { steps } = JSON.parse(golden.metadata.case) as { steps: { start: number; length: number; mode: string }[] };
  for (const [number, { start, length, mode }] of steps.entries()) {
    // The first call is read in chunks, which changes nothing: its last chunk sees what the whole call sees.
    const step = trace.findLast((entry) => entry.start + entry.rows === start + length)!;
    assertEquals(step.kind, mode);
    for (const { layer, groups } of step.layers) {
      const expected = await golden.readInts(`step${number}.layer${layer}.indices`);
      assertEquals([...groups[0].indices], [...expected], `step ${number} layer ${layer}`);
    }
  }
}

gpuTest("a model that slides its attention is refused by methods that choose what is attended to", async (device) => {
  using model = await loadModel(new URL("mistral_sliding/", folder), { device });
  for (const method of ["reattention", "streaming"] as const) {
    assertThrows(
      () => model.createSession({ method }),
      RangeError,
      `method "${method}": this model slides its attention`,
    );
  }
});
