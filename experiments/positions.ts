/**
 * `deno task positions`: times a decode step at positions from a hundred tokens to millions, behind random keys and values, and sets
 * it beside what the step reads. `--help` tells the options.
 */

import { z } from "zod";
import {
  appendRandom,
  type CacheOptions,
  KeyValueCache,
  type MethodName,
  methodNames,
  type StorageType,
  type ValuesPlace,
  valuesPlaces,
  type ValuesTraffic,
} from "../lib/attention/mod.ts";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel, methodFor, type Model, Stepper, timeSteps } from "../lib/model/mod.ts";
import { writeAside } from "../lib/platform.ts";
import { describeMachine, today } from "./demo/results.ts";
import { FlagsError, readFlags } from "./command/flags.ts";
import { runToEnd } from "./command/run_to_end.ts";

const USAGE = `usage: deno task positions [options]

Times one decode step of the embedded model at several positions. The cache is filled with random keys and values, so that no prefill
is needed. Prints milliseconds a token, the keys that each head scores, and the tokens that it attends to; with values outside the
GPU also how many blocks of them were in memory when they were wanted (read before, and read ahead).

  --length N,N,...    positions (default 100,10000,100000,1000000)
  --method NAME,...   default reattention,streaming
  --storage TYPE      of keys and values (default f32)
  --values-on PLACE   gpu (default), host or file: the last two as f32
  --hot MIB           memory for values that lie in a file, in MiB (default 256)
  --steps N           steps of a sample, of which there are six (default 16)
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
  "values-on": z.enum(valuesPlaces, {
    error: ({ input }) => `--values-on "${input}" must be ${valuesPlaces.join(", ")}`,
  }).default("gpu"),
  hot: z.coerce.number({ error: "--hot must be a number of MiB" }).nonnegative("--hot must be at least 0").optional(),
  steps: z.coerce.number({ error: "--steps must be a number" }).int("--steps must be a whole number").min(
    1,
    "--steps must be at least 1",
  ).default(16),
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
  /** Bytes on the device. */
  readonly deviceBytes: number;
  /** Bytes of values in memory where they lie outside the GPU. */
  readonly outsideBytes: number;
  /** Of the blocks of values wanted while decoding, the shares found in memory and read ahead; with values in a file. */
  readonly found?: { readonly hot: number; readonly ahead: number };
}

async function run({ length, method, storage, "values-on": valuesOn, hot, steps, json }: Asked): Promise<void> {
  using device = await Device.open();
  using model = await loadModel("demo", { device });
  console.log(
    `${describeMachine(device)}; keys and values in ${storage}${
      valuesOn === "gpu" ? "" : `, values as f32 ${valuesOn === "file" ? "in a file" : "in host memory"}`
    }\n`,
  );
  console.log(`${"method".padEnd(20)} ${"position".padStart(9)} ${"ms".padStart(9)} scored keys  attended   MiB read`);
  const rows: Row[] = [];
  for (const name of method) {
    using cache = new KeyValueCache(device, model.decoder.attentionShape, cacheOptions(storage, valuesOn, hot));
    using stepper = new Stepper(model, methodFor(model, { method: name, knobs: { allowBeyondTrained: true } }), cache);
    for (const position of length) {
      await appendRandom(cache, position - cache.lengths[0]);
      const row = await timePosition(model, stepper, { name, position, storage, steps });
      rows.push(row);
      console.log(
        `${name.padEnd(20)} ${String(position).padStart(9)} ${row.milliseconds.toFixed(3).padStart(9)} ` +
          `${String(row.scoredKeys).padStart(11)} ${String(row.attended).padStart(9)} ` +
          `${(row.readBytes / 2 ** 20).toFixed(2).padStart(10)}${foundText(row)}`,
      );
    }
  }
  if (json === undefined) return;
  const made = { schema: 1, machine: describeMachine(device), date: today(), model: "demo", storage, valuesOn };
  await writeAside(json, `${JSON.stringify({ ...made, rows }, null, 1)}\n`);
  console.log(`\nrows: ${json}`);
}

async function timePosition(
  model: Model,
  stepper: Stepper,
  { name, position, storage, steps }: { name: string; position: number; storage: StorageType; steps: number },
): Promise<Row> {
  const elementBytes = { f32: 4, f16: 2, int8: 1 }[storage];
  const { host } = stepper.cache.pool;
  const before = host?.traffic;
  const milliseconds = 1000 * await timeSteps(stepper, 1, { repeats: 6, steps, milliseconds: 20_000 });
  const found = shares(before, host?.traffic);
  const shape = { length: position + 1, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
  const { method } = stepper;
  const scoredKeys = method.scoredKeys?.(shape) ?? 0;
  const attended = method.scopeBound(shape);
  const { layers, keyValueHeads, headSize } = model.config;
  const readBytes = elementBytes * layers * keyValueHeads * headSize * (scoredKeys + 2 * attended);
  const deviceBytes = stepper.cache.device.memory.liveBytes;
  const outsideBytes = host?.memoryBytes ?? 0;
  const row = { method: name, length: position, milliseconds, scoredKeys, attended, readBytes };
  return { ...row, deviceBytes, outsideBytes, ...(found && { found }) };
}

function cacheOptions(storage: StorageType, valuesOn: ValuesPlace, hot: number | undefined): CacheOptions {
  if (valuesOn === "gpu") return { keyType: storage, valueType: storage };
  if (valuesOn === "host") return { keyType: storage, valuesOn };
  return { keyType: storage, valuesOn, valuesFile: { ...(hot !== undefined && { hotBytes: hot * 2 ** 20 }) } };
}

/** Shares of the blocks wanted between two counts. */
function shares(before: ValuesTraffic | undefined, after: ValuesTraffic | undefined): Row["found"] {
  if (!before || !after) return undefined;
  const [hits, ahead, misses] = (["hits", "ahead", "misses"] as const).map((name) => after[name] - before[name]);
  const all = Math.max(1, hits + ahead + misses);
  return { hot: hits / all, ahead: ahead / all };
}

function foundText({ found }: Row): string {
  if (!found) return "";
  return `   ${(100 * found.hot).toFixed(1)} % in memory, ${(100 * found.ahead).toFixed(1)} % read ahead`;
}

if (import.meta.main) {
  const parse = (args: readonly string[]) => readFlags(schema, args);
  Deno.exitCode = await runToEnd(
    { name: "positions", usage: USAGE, parse, argumentsError: FlagsError, run },
    Deno.args,
  );
}
