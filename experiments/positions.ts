/**
 * `deno task positions`: times a decode step at positions from a hundred tokens to millions, behind random keys and values, and sets
 * it beside what the step reads. `--help` tells the options.
 */

import { z } from "zod";
import { appendRandom, KeyValueCache, type MethodName, methodNames } from "../lib/attention/mod.ts";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel, methodFor, type Model, Stepper, timeSteps } from "../lib/model/mod.ts";
import { writeAside } from "../lib/platform.ts";
import { describeMachine, today } from "./demo/results.ts";
import { FlagsError, readFlags } from "./command/flags.ts";
import { runToEnd } from "./command/run_to_end.ts";

const USAGE = `usage: deno task positions [options]

Times one decode step of the embedded model at several positions. The cache is filled with random keys and values, so that no prefill
is needed. Prints milliseconds a token, the keys that each head scores, and the tokens that it attends to.

  --length N,N,...    positions (default 100,10000,100000,1000000)
  --method NAME,...   default reattention,streaming
  --storage TYPE      of keys and values (default f32)
  --json FILE         writes the rows there
  --help              prints this`;

const lengths = z.string().default("100,10000,100000,1000000").transform((text, context) => {
  const numbers = text.split(",").map(Number);
  if (numbers.every((number) => Number.isInteger(number) && number >= 1)) return numbers.toSorted((a, b) => a - b);
  context.addIssue({
    code: "custom",
    message: `--length "${text}" must be whole numbers of at least 1, with commas between`,
  });
  return z.NEVER;
});
const methods = z.string().default("reattention,streaming").transform((text, context) => {
  const names = text.split(",");
  const wrong = names.find((name) => !methodNames.includes(name as MethodName));
  if (wrong === undefined) return names as MethodName[];
  context.addIssue({ code: "custom", message: `--method "${wrong}" is none; there are ${methodNames.join(", ")}` });
  return z.NEVER;
});
const schema = z.object({
  length: lengths,
  method: methods,
  storage: z.enum(["f32", "f16", "int8"], { error: ({ input }) => `--storage "${input}" must be f32, f16 or int8` })
    .default("f32"),
  json: z.string().min(1, "--json must name a file, not be empty").optional(),
  help: z.boolean().default(false),
});
type Asked = z.infer<typeof schema>;

/** One timed position. */
interface Row {
  readonly method: string;
  readonly length: number;
  /** Milliseconds a decode step, logits included. */
  readonly milliseconds: number;
  /** Keys that each KV head reads in order to select. */
  readonly scoredKeys: number;
  /** Most tokens that each head attends to. */
  readonly attended: number;
  /** Bytes of keys and values that are read for both, all layers together. */
  readonly readBytes: number;
}

async function run({ length, method, storage, json }: Asked): Promise<void> {
  using device = await Device.open();
  using model = await loadModel("demo", { device });
  console.log(`${describeMachine(device)}; keys and values in ${storage}\n`);
  console.log(`${"method".padEnd(20)} ${"position".padStart(9)} ${"ms".padStart(9)} scored keys  attended   MiB read`);
  const rows: Row[] = [];
  for (const name of method) {
    using cache = new KeyValueCache(device, model.decoder.attentionShape, { keyType: storage, valueType: storage });
    using stepper = new Stepper(model, methodFor(model, { method: name, knobs: { allowBeyondTrained: true } }), cache);
    for (const position of length) {
      await appendRandom(cache, position - cache.lengths[0]);
      const row = await timePosition(model, stepper, name, position, { f32: 4, f16: 2, int8: 1 }[storage]);
      rows.push(row);
      console.log(
        `${name.padEnd(20)} ${String(position).padStart(9)} ${row.milliseconds.toFixed(3).padStart(9)} ` +
          `${String(row.scoredKeys).padStart(11)} ${String(row.attended).padStart(9)} ` +
          `${(row.readBytes / 2 ** 20).toFixed(2).padStart(10)}`,
      );
    }
  }
  if (json === undefined) return;
  const made = { schema: 1, machine: describeMachine(device), date: today(), model: "demo", storage };
  await writeAside(json, `${JSON.stringify({ ...made, rows }, null, 1)}\n`);
  console.log(`\nrows: ${json}`);
}

async function timePosition(
  model: Model,
  stepper: Stepper,
  name: string,
  position: number,
  elementBytes: number,
): Promise<Row> {
  const milliseconds = 1000 * await timeSteps(stepper, 1, { repeats: 6, steps: 16, milliseconds: 20_000 });
  const shape = { length: position + 1, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
  const { method } = stepper;
  const scoredKeys = method.scoredKeys?.(shape) ?? 0;
  const attended = method.scopeBound(shape);
  const { layers, keyValueHeads, headSize } = model.config;
  const readBytes = elementBytes * layers * keyValueHeads * headSize * (scoredKeys + 2 * attended);
  return { method: name, length: position, milliseconds, scoredKeys, attended, readBytes };
}

if (import.meta.main) {
  const parse = (args: readonly string[]) => readFlags(schema, args);
  Deno.exitCode = await runToEnd(
    { name: "positions", usage: USAGE, parse, argumentsError: FlagsError, run },
    Deno.args,
  );
}
