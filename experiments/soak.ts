/**
 * `deno task soak`: writes answer after answer for hundreds of thousands of steps, and tells whether memory and speed stay as they
 * are. `--help` tells the options.
 */

import { z } from "zod";
import { methodNames } from "../lib/attention/mod.ts";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { isTerminal, writeAside } from "../lib/platform.ts";
import { describeMachine, today } from "./demo/results.ts";
import { FlagsError, readFlags } from "./command/flags.ts";
import { reachOnly } from "./command/network.ts";
import { runToEnd } from "./command/run_to_end.ts";
import { type Movement, soak, type SoakResult } from "./soak/run.ts";

const USAGE = `usage: deno task soak [options]

Writes answers behind one context, each on a fork that is dropped, and watches GPU bytes, the process's memory and speed.

  --steps N     decode steps in all (default 200000)
  --seconds N   ends after so many seconds, whatever was made (default: none)
  --context N   tokens of the context (default 2048)
  --answer N    steps of an answer (default 256)
  --method NAME default reattention
  --model NAME  demo (default), a folder, or a repository of the hub
  --json FILE   writes what was seen there, answer by answer, every few seconds: a run that is cut has told what it saw
  --help        prints this

Exit code 0: after a tenth of the steps as warm-up, GPU bytes and the process's memory moved by at most 2 % and speed by at most
5 %, from the median of the first quarter to that of the last; 3: one of them moved by more.`;

const whole = (name: string) =>
  z.string().regex(/^[1-9]\d{0,8}$/, {
    error: ({ input }) => `${name} "${input}" must be a whole number of at least 1`,
  }).transform(Number);
const schema = z.object({
  steps: whole("--steps").default(200_000),
  seconds: whole("--seconds").optional(),
  context: whole("--context").default(2048),
  answer: whole("--answer").default(256),
  method: z.enum(methodNames as [string, ...string[]], {
    error: ({ input }) => `--method "${input}" is none; there are ${methodNames.join(", ")}`,
  }).default("reattention"),
  model: z.string().min(1, "--model must name a model, not be empty").default("demo"),
  json: z.string().min(1, "--json must name a file, not be empty").optional(),
  help: z.boolean().default(false),
});
const WARM_UP = 0.1;
const MOVED = 3;
/** Time between two lines of progress, and between two writes of what was seen. */
const TOLD_MILLISECONDS = 15_000;

async function run({ json, model: source, method, seconds, ...asked }: z.infer<typeof schema>): Promise<number> {
  await reachOnly([source]);
  using device = await Device.open();
  using model = await loadModel(source, { device });
  const { steps, context, answer } = asked;
  const machine = describeMachine(device);
  const write = async (result: SoakResult) => {
    if (json === undefined) return;
    const made = { schema: 1, machine, date: today(), model: source, method, context, answer };
    await writeAside(json, `${JSON.stringify({ ...made, warmUp: WARM_UP, ...result }, null, 1)}\n`);
  };
  let told = performance.now();
  const result = await soak(device, model, {
    ...{ steps, context, answer, seconds: seconds ?? Infinity, warmUp: WARM_UP },
    session: {
      method: methodNames.find((name) => name === method),
      knobs: { allowBeyondTrained: true },
    },
    onAnswer: async (sofar) => {
      if (performance.now() - told < TOLD_MILLISECONDS) return;
      told = performance.now();
      const seen = sofar();
      if (isTerminal("stderr")) console.error(`${seen.steps} of ${steps} steps`);
      await write(seen);
    },
  });
  console.log(describe(result, machine));
  await write(result);
  if (json !== undefined) console.log(`rows: ${json}`);
  return result.flat ? 0 : MOVED;
}

function describe({ steps, seconds, live, process, heap, speed, flat }: SoakResult, machine: string): string {
  const line = (name: string, { first, last, drift }: Movement, unit: string, scale: number, digits: number) =>
    `${name.padEnd(16)} ${(first / scale).toFixed(digits)} ${unit} at first, ${
      (last / scale).toFixed(digits)
    } at last: ` +
    `${drift >= 0 ? "+" : ""}${(100 * drift).toFixed(2)} %`;
  return [
    `${machine}; ${steps} decode steps in ${seconds.toFixed(1)} s`,
    line("GPU bytes", live, "MiB", 2 ** 20, 1),
    line("process", process, "MiB", 2 ** 20, 1),
    line("  its JS heap", heap, "MiB", 2 ** 20, 1),
    line("a step", speed, "ms", 1, 3),
    flat ? "flat" : "not flat: bytes may move by 2 %, speed by 5 %",
  ].join("\n");
}

if (import.meta.main) {
  const parse = (args: readonly string[]) => readFlags(schema, args);
  Deno.exitCode = await runToEnd({ name: "soak", usage: USAGE, parse, argumentsError: FlagsError, run }, Deno.args);
}
