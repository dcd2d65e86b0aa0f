/**
 * `deno task loading [--gib N] [--keep FOLDER]`: writes a synthetic checkpoint of so many GiB in bf16 shards, loads it,
 * and prints how long each shard took and how much memory the process took beyond what it put on the device.
 */

import { z } from "zod";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { peakProcessBytes } from "../lib/platform.ts";
import { FlagsError, readFlags } from "./command/flags.ts";
import { runToEnd } from "./command/run_to_end.ts";
import { writeCheckpoint } from "./loading/checkpoint.ts";

const MEBIBYTE = 2 ** 20;
/** What the process may take beyond the device's memory. */
const ALLOWED = 600;

const schema = z.object({
  help: z.boolean().default(false),
  gib: z.coerce.number({ error: "--gib must be a number" }).min(0.1, "--gib must be at least 0.1")
    .max(64, "--gib must be at most 64").default(3),
  keep: z.string().min(1, "--keep must name a folder").optional(),
});

const USAGE = `usage: deno task loading [--gib N] [--keep FOLDER]

Writes a checkpoint of bf16 weights and loads it: seconds of each shard, and the memory it took beside the weights.

  --gib N        size of the checkpoint (default 3)
  --keep FOLDER  writes it there and leaves it; otherwise it is removed
  --help         prints this`;

async function writeAndLoad({ gib, keep }: z.infer<typeof schema>): Promise<number> {
  await Deno.mkdir("results", { recursive: true });
  const folder = keep ?? await Deno.makeTempDir({ dir: "results", prefix: "loading_" });
  try {
    const bytes = await writeCheckpoint(folder, gib * 1024 * MEBIBYTE);
    console.log(`checkpoint: ${Math.round(bytes / MEBIBYTE)} MiB of bf16 in ${folder}`);
    return await load(folder);
  } finally {
    if (!keep) await Deno.remove(folder, { recursive: true });
  }
}

async function load(folder: string): Promise<number> {
  using device = await Device.open();
  // A software adapter's device memory is this process's own; a GPU's is not.
  const onDevice = () => device.info.software ? device.memory.liveBytes + device.memory.idleBytes : 0;
  let most = 0;
  const look = () => most = Math.max(most, Deno.memoryUsage().rss - onDevice());
  look();
  console.log(`${device.info.name}; before: ${Math.round(most / MEBIBYTE)} MiB`);
  const started = performance.now();
  using _model = await loadModel(folder, {
    device,
    onShard: ({ file, number, count, bytes, seconds }) => {
      look();
      const rate = Math.round(bytes / MEBIBYTE / seconds);
      console.log(
        `${file} (${number} of ${count}): ${Math.round(bytes / MEBIBYTE)} MiB, ${seconds.toFixed(1)} s, ${rate} MiB/s`,
      );
    },
  });
  const seconds = (performance.now() - started) / 1000;
  // The process's largest size ever, less the weights: what was there beside them when it was largest.
  most = Math.max(most, (peakProcessBytes() ?? 0) - onDevice());
  const live = Math.round(device.memory.liveBytes / MEBIBYTE);
  console.log(
    `all: ${seconds.toFixed(1)} s; ${live} MiB on the device; ${
      Math.round(most / MEBIBYTE)
    } MiB beside them (${ALLOWED} allowed)`,
  );
  return most <= ALLOWED * MEBIBYTE ? 0 : 1;
}

if (import.meta.main) {
  const parse = (args: readonly string[]) => readFlags(schema, args);
  const command = { name: "loading", usage: USAGE, parse, argumentsError: FlagsError, run: writeAndLoad };
  Deno.exitCode = await runToEnd(command, Deno.args);
}
