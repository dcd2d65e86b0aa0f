/**
 * What a sweep's folder costs at scale: plans a sweep of many trials in many tasks, writes the records that tasks would have
 * written (none of them ran), and times the ordinary commands on them: seconds, and most memory of the process.
 *
 * `deno run --allow-read --allow-write --allow-env --allow-sys --allow-run experiments/ablate_scale.ts
 * [--trials 100000] [--tasks 1000] [--folder DIR]`
 */

import { parseArgs } from "node:util";
import {
  parseSweepSpec,
  planSweep,
  RECORD_VERSION,
  RunFolder,
  ShardLedger,
  type Trial,
  type TrialRecord,
} from "../lib/evaluation/mod.ts";
import { hostInfo, readSystemFile, writeAside } from "../lib/platform.ts";

/** Settings of the sweep; seeds make it as long as is wanted. */
const SETTINGS = {
  k: [1, 2, 4, 8, 16],
  window: [128, 192, 256, 320, 384],
  recallClip: [1, 2, 3, 4],
  chunkSize: [32, 64],
};
/** Trials whose records are written one by one, each on the disk before the next, as workers do. */
const TIMED = 200;
/** What the commands may do here: the folder can lie anywhere. */
const PERMISSIONS = ["--allow-read", "--allow-write", "--allow-env", "--allow-sys", "--allow-run"];

const { values } = parseArgs({
  options: {
    trials: { type: "string", default: "100000" },
    tasks: { type: "string", default: "1000" },
    folder: { type: "string" },
  },
});

function recordOf(trial: Trial): TrialRecord {
  // As many right answers as chance gives: what a report makes of it does not matter here.
  const right = (question: number) => Number.parseInt(trial.id.slice(question, question + 2), 16) < 128;
  const questions = [0, 1, 2, 3].map((question) => ({
    name: ["Zena", "Otto", "Irma", "Hugo"][question],
    depth: (question + 0.5) / 4,
    expected: "482 913",
    answer: right(question) ? "482 913" : "482 193",
    score: Number(right(question)),
  }));
  return {
    version: RECORD_VERSION,
    trial,
    modelFingerprint: "0".repeat(16),
    status: "done",
    result: {
      metric: "exact match",
      score: questions.reduce((sum, { score }) => sum + score, 0) / 4,
      questions,
      tokens: trial.length - 64,
      readSeconds: 1.234567,
      shared: false,
      answerSeconds: 0.345678,
      tokensPerSecond: 1607.5,
      peakBytes: 123456789,
      scope: 512,
    },
    error: null,
    endedAt: new Date().toISOString(),
    environment: { adapter: "none", software: true, cpu: "none", os: "linux", deno: "0", toolkit: "0", commit: null },
  };
}

async function timed<T>(what: string, act: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const result = await act();
  console.log(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  return result;
}

/** Runs a script of this folder; tells its seconds and the most memory that the system saw it have. */
async function measured(what: string, script: string, ...args: string[]): Promise<void> {
  const path = decodeURIComponent(new URL(script, import.meta.url).pathname);
  const start = performance.now();
  const command = new Deno.Command(Deno.execPath(), { args: ["run", ...PERMISSIONS, path, ...args], stdout: "null" });
  const child = command.spawn();
  let mebibytes = 0;
  const look = setInterval(() => {
    try {
      const peak = /^VmHWM:\s*(\d+) kB/m.exec(readSystemFile(`/proc/${child.pid}/status`) ?? "")?.[1];
      mebibytes = Math.max(mebibytes, Number(peak ?? 0) / 1024);
    } catch {
      // It has ended, or the system is another one.
    }
  }, 50);
  const { code } = await child.status;
  clearInterval(look);
  if (code !== 0) throw new Error(`${what} ended with code ${code}`);
  console.log(`${what}: ${((performance.now() - start) / 1000).toFixed(1)} s, ${Math.round(mebibytes)} MiB`);
}

async function sizeOf(folder: string): Promise<{ files: number; bytes: number }> {
  let files = 0, bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    const inside = isDirectory ? await sizeOf(path) : { files: 1, bytes: (await Deno.stat(path)).size };
    files += inside.files;
    bytes += inside.bytes;
  }
  return { files, bytes };
}

async function told(what: string, folder: string): Promise<void> {
  const { files, bytes } = await sizeOf(folder);
  console.log(`${what}: ${files} files, ${(bytes / 2 ** 20).toFixed(1)} MiB`);
}

const folder = values.folder ?? await Deno.makeTempDir();
const run = `${folder}/run`;
const out = `${folder}/sweep.db`;
const seeds = Math.ceil(Number(values.trials) / 200);
const spec = parseSweepSpec({ sweep: SETTINGS, seeds: `0..${seeds - 1}` });
const { cpuModel, cpus, denoVersion } = hostInfo();
console.log(`${cpuModel}, ${cpus} cores, Deno ${denoVersion}; ${folder}`);

const { trials } = await timed(`planning ${200 * seeds} trials`, () => planSweep(spec));
const planned = await timed(
  "writing the run's folder",
  () =>
    RunFolder.create(run, {
      spec,
      trials,
      tasks: Number(values.tasks),
      cwd: folder,
      out,
      executor: "local",
      options: { workers: 1 },
    }),
);
await told("the folder as planned", run);

using ledger = await ShardLedger.begin(planned, 0);
const start = performance.now();
let count = 0;
for (let claim = ledger.claim(); claim && count < TIMED; claim = ledger.claim(), count++) {
  ledger.finish(recordOf(claim.trial));
}
console.log(`a record on the disk: ${((performance.now() - start) / count).toFixed(2)} ms`);

await timed("the tasks' record files, written at once", async () => {
  for (const task of planned.tasks) {
    const lines = (await planned.shard(task)).map(({ trial }) => `${JSON.stringify(recordOf(trial))}\n`);
    await writeAside(`${planned.taskFolder(task)}/records.made.jsonl`, lines.join(""));
  }
});
await told("the folder with all records", run);
await measured("status", "ablate.ts", "status", run);
await measured("collect", "ablate.ts", "collect", run);
await measured("collect again", "ablate.ts", "collect", run);
console.log(`the sweep's file: ${((await Deno.stat(out)).size / 2 ** 20).toFixed(1)} MiB`);
await measured("report", "report.ts", out);
console.log(`the page: ${((await Deno.stat(`${folder}/sweep.html`)).size / 2 ** 20).toFixed(1)} MiB`);
if (values.folder === undefined) await Deno.remove(folder, { recursive: true });
