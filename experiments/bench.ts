/**
 * `deno task bench`: speed as shares of what the adapter can do, all measured in this run.
 *
 * Question: how near are kernels and models to the adapter's multiply-add rate and copy bandwidth, and how far ahead of
 * other libraries on the same adapter? Every result is compared with plain numbers first; repeats are interleaved.
 */
import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { type Approximation, approximationOf, approximations } from "./bench/approximations.ts";
import { type BenchArguments, parseBenchArguments, USAGE } from "./bench/arguments.ts";
import type { BenchCase } from "./bench/bench_case.ts";
import { attentionCases } from "./bench/groups/attention.ts";
import { decodeAttentionCases } from "./bench/groups/decode_attention.ts";
import { timeModel } from "./bench/groups/model.ts";
import { demoCase, demoKnobs, llamaCase, type ModelCase } from "./bench/groups/model_cases.ts";
import { matmulCases, vectorCases } from "./bench/groups/matmul.ts";
import { opCases } from "./bench/groups/ops.ts";
import { selectionCases } from "./bench/groups/selection.ts";
import { measureLimits } from "./bench/limits.ts";
import { type Peer, startPeers } from "./bench/peers.ts";
import { measureQuality, usualQuality } from "./bench/quality.ts";
import { BenchRecord } from "./bench/record.ts";
import type { Quality } from "./bench/row.ts";
import { runCase } from "./bench/run.ts";
import { limitsLine, qualityWords } from "./bench/table.ts";
import { tellTargets } from "./bench/tell_targets.ts";
import { runToEnd } from "./command/run_to_end.ts";

function allCases(device: Device): BenchCase[] {
  const { software } = device.info;
  return [
    ...matmulCases(software),
    ...vectorCases(),
    ...attentionCases(software),
    ...selectionCases(software),
    ...decodeAttentionCases(software),
    ...opCases(software),
  ];
}

function nameOf({ group, shape, dtype }: BenchCase): string {
  return `${group} ${shape} ${dtype}`;
}

/** Whether a filter asks for a model at a length: its name is such as "model demo 16384 f32 (32 times the scope)". */
function asksFor({ name, dtype, scope }: ModelCase, length: number, filter = ""): boolean {
  const names = [`model ${name} ${length} ${dtype} (${length / scope} times the scope)`, `model ${name} ${dtype}`];
  return names.some((own) => own.includes(filter));
}

/** Measures all of it into a record; how many cases failed. */
async function measure(
  device: Device,
  path: string,
  cases: readonly BenchCase[],
  models: readonly ModelCase[],
  peers: readonly Peer[],
): Promise<number> {
  const limits = await measureLimits(device);
  console.log(limitsLine(limits));
  const record = new BenchRecord(path, device, limits);
  let wrong = 0;
  const approximate = models.length > 0 || cases.some(({ group }) => approximationOf(group));
  const quality = approximate ? await qualityOnDemo(device) : new Map<Approximation, Quality>();
  for (const item of cases) {
    try {
      const { rows, left } = await runCase(device, limits, peers, item);
      const costs = quality.get(approximationOf(item.group)!);
      record.add(...rows.map((row) => ({ ...row, ...(costs && { quality: costs }) })));
      for (const reason of left) console.log(`  left out: ${nameOf(item)}, ${reason}`);
      if (!rows.length) wrong++;
    } catch (error) {
      wrong++;
      console.error(`  failed: ${nameOf(item)}: ${(error as Error).message}`);
    }
  }
  for (const model of models) await timeModel(device, model, { quality, report: (row) => record.add(row) });
  await record.end();
  return wrong;
}

/** What each approximation costs, on the model that answers. */
async function qualityOnDemo(device: Device): Promise<Map<Approximation, Quality>> {
  using model = await loadModel("demo", { device });
  const usual = usualQuality(device.info.software);
  const quality = await measureQuality(model, approximations, { ...usual, modelName: "demo", knobs: demoKnobs });
  for (const [{ name }, found] of quality) console.log(`reattention ${name}: ${qualityWords(found)}`);
  return quality;
}

function defaultPath(device: Device): string {
  const adapter = device.info.name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  return `results/bench/${adapter}-${new Date().toISOString().slice(0, 10)}.json`;
}

async function run(asked: BenchArguments): Promise<number> {
  if (asked.targets !== undefined) return await tellTargets(asked.targets);
  using device = await Device.open();
  const cases = allCases(device).filter((item) => nameOf(item).includes(asked.filter ?? ""));
  // A model of 1B parameters takes a software adapter minutes a token.
  const models = [demoCase(), ...(device.info.software ? [] : [llamaCase()])]
    .map((item) => ({ ...item, lengths: item.lengths.filter((length) => asksFor(item, length, asked.filter)) }))
    .filter(({ lengths }) => lengths.length > 0);
  if (!cases.length && !models.length) {
    console.error(
      `bench: --filter "${asked.filter}" fits no case; names are such as "${nameOf(allCases(device)[0])}"`,
    );
    return 2;
  }
  console.log(
    `${device.info.name}${device.info.software ? " (software)" : ""}, ${new Date().toISOString().slice(0, 10)}`,
  );
  const peers = asked.peers ? startPeers() : [];
  try {
    return await measure(device, asked.json ?? defaultPath(device), cases, models, peers) > 0 ? 1 : 0;
  } finally {
    for (const peer of peers) await peer[Symbol.asyncDispose]();
  }
}

if (import.meta.main) {
  const command = { name: "bench", usage: USAGE, parse: parseBenchArguments, argumentsError: TypeError, run };
  Deno.exitCode = await runToEnd(command, Deno.args);
}
