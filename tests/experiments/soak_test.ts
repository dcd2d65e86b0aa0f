import { assert, assertEquals, assertMatch } from "@std/assert";
import { judge, soak, type SoakSample } from "../../experiments/soak/run.ts";
import { loadModel } from "../../lib/model/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { runScript } from "./run_script.ts";

gpuTest("soak: GPU bytes are the same after every answer, to the byte", async (device) => {
  using model = await loadModel("demo", { device });
  for (const method of ["reattention", "h2o"] as const) {
    const { samples, live, steps } = await soak(device, model, {
      ...{ steps: 240, seconds: Infinity, context: 600, answer: 24, warmUp: 0.2 },
      session: { method },
    });
    assertEquals([steps, live.drift], [240, 0]);
    assertEquals(new Set(samples.slice(1).map(({ liveBytes }) => liveBytes)).size, 1);
    assertEquals(new Set(samples.slice(5).map(({ idleBytes }) => idleBytes)).size, 1);
  }
});

Deno.test("judge compares the first and the last quarter after the warm-up", () => {
  const sample = (index: number, of: Partial<SoakSample> = {}): SoakSample => {
    return {
      steps: index + 1,
      milliseconds: 1,
      liveBytes: 100,
      idleBytes: 0,
      processBytes: 1000,
      heapBytes: 10,
      ...of,
    };
  };
  const even = Array.from({ length: 20 }, (_, index) => sample(index, index < 2 ? { processBytes: 1 } : {}));
  assert(judge(even, 1, 0.1).flat);
  const growing = even.map((each, index) => ({ ...each, processBytes: 1000 + 5 * index }));
  assertEquals([judge(growing, 1, 0.1).flat, judge(growing, 1, 0.1).process.drift > 0.02], [false, true]);
  assertEquals(
    judge(even.map((each, index) => ({ ...each, heapBytes: index < 10 ? 10 : 15 })), 1, 0.1).heap.drift,
    0.5,
  );
  const slower = even.map((each, index) => ({ ...each, milliseconds: index < 15 ? 1 : 1.06 }));
  assertEquals(judge(slower, 1, 0.1).flat, false);
});

for (
  const [script, args, message] of [
    [
      "soak",
      ["--steps", "none"],
      /^soak: --steps "none" must be a whole number of at least 1\n\nusage: deno task soak/,
    ],
    ["positions", ["--length", "5,x"], /^positions: --length "5,x" must be whole numbers/],
    ["storage", ["--haystacks", "0"], /^storage: --haystacks "0" must be a whole number of at least 1/],
  ] as const
) {
  Deno.test(`${script} says what is wrong with its arguments, exit code 2`, async () => {
    const { code, out, err } = await runScript(script, args);
    assertEquals([code, out], [2, ""]);
    assertMatch(err, message);
  });
}

Deno.test("positions and storage print their rows and write them as JSON", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const run = async (script: string, args: string[]) => {
      const { code, err } = await runScript(script, [...args, "--json", `${folder}/${script}.json`]);
      assertEquals(code, 0, err);
      return JSON.parse(await Deno.readTextFile(`${folder}/${script}.json`)).rows;
    };
    const positions = await run("positions", ["--length", "100,2000", "--method", "reattention", "--storage", "int8"]);
    assertEquals(positions.map(({ length, scoredKeys }: Record<string, number>) => [length, scoredKeys]), [
      [100, 0],
      [2000, 2000 + 1 - 256 - 32],
    ]);
    const stored = await run("storage", ["--length", "1024", "--haystacks", "1", "--needles", "2"]);
    const bytes = Object.fromEntries(
      stored.map((row: Record<string, string | number>) => [`${row.keys} ${row.values}`, row.bytesPerToken]),
    );
    assertEquals([bytes["f32 f32"], bytes["int8 int8"], bytes["int8 f32"]], [4096, 1152, 2624]);
    assertEquals(stored[0].agreement, 1);
    for (const { agreement } of stored) assert(agreement > 0.8);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
