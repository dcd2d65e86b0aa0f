/**
 * `deno task shapes --model llama-3.1-8b`: times a prefill chunk and a decode step of real models' shapes at up to millions of
 * tokens, with random weights. `--help` tells the options.
 */

import { Device } from "../lib/gpu/mod.ts";
import { type ModelConfig, parseConfig } from "../lib/model/mod.ts";
import { configOfShape } from "../lib/model/mod.ts";
import { fileExists, readText, writeAside } from "../lib/platform.ts";
import { measureReading } from "./bench/limits.ts";
import { describeMachine, today } from "./demo/results.ts";
import { parseShapesArguments, type ShapesArguments, ShapesArgumentsError, USAGE } from "./shapes/arguments.ts";
import { deriveRows } from "./shapes/derive.ts";
import { measureModel } from "./shapes/measure.ts";
import { randomModel } from "./shapes/random_weights.ts";
import { mergeRows, parseRecord, type ShapesRow } from "./shapes/rows.ts";
import { rowLine } from "./shapes/table.ts";
import { runToEnd } from "./command/run_to_end.ts";

/** Two layers that a software adapter can run. */
const TINY = {
  model_type: "llama",
  hidden_size: 256,
  intermediate_size: 512,
  num_hidden_layers: 2,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  head_dim: 32,
  vocab_size: 1024,
  max_position_embeddings: 1024,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  tie_word_embeddings: false,
};

const configOf = (name: ShapesArguments["models"][number]): ModelConfig =>
  name === "tiny" ? parseConfig(TINY) : configOfShape(name);

/** Rows that a file holds already: those of another machine are not to stand beside this one's. */
async function rowsThere(file: string, machine: string): Promise<readonly ShapesRow[]> {
  if (!await fileExists(file)) return [];
  const record = parseRecord(file, await readText(file));
  if (record.machine === machine) return record.rows;
  throw new Error(
    `${file} holds rows of another machine (${record.machine}), this one is ${machine}; name another file`,
  );
}

async function shapes(asked: ShapesArguments): Promise<void> {
  using device = await Device.open();
  if (!device.info.f16) throw new Error("this adapter has no working f16, which weights and caches are kept in here");
  const start = performance.now();
  const goesOn = () => performance.now() - start < 1000 * asked.seconds;
  const bytesPerSecond = await measureReading(device);
  const machine = describeMachine(device);
  console.log(`${machine}; reads ${(bytesPerSecond / 1e9).toFixed(0)} GB/s at best\n`);
  const earlier = asked.json === undefined ? [] : await rowsThere(asked.json, machine);
  const rows: ShapesRow[] = [];
  const layersOf = (model: string) => configOf(model as typeof asked.models[number]).layers;
  const write = async () => {
    if (asked.json === undefined) return;
    const merged = mergeRows(earlier, rows);
    const all = {
      machine,
      date: today(),
      readBytesPerSecond: bytesPerSecond,
      rows: [...merged, ...deriveRows(merged, layersOf)],
    };
    await writeAside(asked.json, `${JSON.stringify(all, null, 1)}\n`);
  };
  const report = async (row: ShapesRow) => {
    rows.push(row);
    console.log(rowLine(row));
    await write();
  };
  for (const name of asked.models) {
    for (const part of asked.parts) {
      if (!goesOn()) break;
      const config = configOf(name);
      const lengths = part === "whole" ? asked.wholeLengths ?? asked.lengths : asked.lengths;
      const begun = performance.now();
      using model = await randomModel(device, part === "layer" ? { ...config, layers: 1 } : config);
      await device.finish();
      const tell = (text: string) => console.log(`${name}, ${part}: ${text}`);
      tell(`random weights made in ${((performance.now() - begun) / 1000).toFixed(1)} s`);
      const { methods } = asked;
      await measureModel(device, model, { name, part, methods, lengths, bytesPerSecond, goesOn, report, tell });
    }
  }
  console.log("");
  for (const row of deriveRows(mergeRows(earlier, rows), layersOf)) console.log(rowLine(row));
  await write();
  if (asked.json !== undefined) console.log(`\nrows: ${asked.json}`);
}

if (import.meta.main) {
  const asked = {
    name: "shapes",
    usage: USAGE,
    parse: parseShapesArguments,
    argumentsError: ShapesArgumentsError,
    run: shapes,
  };
  Deno.exitCode = await runToEnd(asked, Deno.args);
}
