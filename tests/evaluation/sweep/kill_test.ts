import { assert, assertEquals, assertLess } from "@std/assert";
import { planSweep, Random, SweepFile } from "../../../lib/evaluation/mod.ts";
import { workerSpec } from "./worker.ts";

const WORKER = new URL("./worker.ts", import.meta.url).href;

function start(path: string, log: string, milliseconds: number): Deno.ChildProcess {
  const args = ["run", "--allow-all", WORKER, path, log, String(milliseconds)];
  return new Deno.Command(Deno.execPath(), { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
}

async function ended(child: Deno.ChildProcess): Promise<void> {
  const { code, stderr } = await child.output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

/** What workers noted: every line "PID began ID" or "PID kept ID". */
async function notes(log: string): Promise<{ pid: string; word: string; id: string }[]> {
  const lines = (await Deno.readTextFile(log)).trim().split("\n").map((line) => line.split(" "));
  return lines.map(([pid, word, id]) => ({ pid, word, id }));
}

async function inFolder(run: (path: string, log: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/sweep.db`, `${folder}/log`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function checkAllDone(path: string): Promise<void> {
  const { trials } = await planSweep(workerSpec);
  using file = await SweepFile.read(path);
  assertEquals(file.counts(), { done: trials.length, failed: 0, pending: 0, claimed: 0 });
  assertEquals(file.records().map(({ trial }) => trial.id), trials.map(({ id }) => id));
}

Deno.test("a sweep killed at 20 random moments loses at most the trial in flight, and runs no finished one again", () =>
  inFolder(async (path, log) => {
    const random = new Random(Date.now() % 2 ** 32);
    const kills = 20;
    for (let kill = 0; kill < kills; kill++) {
      const child = start(path, log, 60);
      await new Promise((resolve) => setTimeout(resolve, 150 + random.below(500)));
      child.kill("SIGKILL");
      assertEquals((await child.output()).signal, "SIGKILL");
    }
    await ended(start(path, log, 0));
    await checkAllDone(path);
    const all = await notes(log);
    assert(all.filter(({ word }) => word === "kept").length >= 120 - kills);
    const kept = new Set<string>();
    for (const { word, id } of all) {
      if (word === "kept") kept.add(id);
      else assert(!kept.has(id), `${id} was kept and begun again`);
    }
    const begun = all.filter(({ word }) => word === "began").length;
    // Each kill loses one trial at most.
    assertLess(begun, 120 + kills + 1);
  }));

Deno.test("three processes share a sweep without running a trial twice, and one takes over from a killed one", () =>
  inFolder(async (path, log) => {
    const workers = [start(path, log, 15), start(path, log, 15), start(path, log, 15)];
    // The first two lines say that somebody has begun.
    for (let tries = 0; tries < 200; tries++) {
      const text = await Deno.readTextFile(log).catch(() => "");
      if (text.includes(`${workers[0].pid} kept`)) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    workers[0].kill("SIGKILL");
    await workers[0].output();
    await Promise.all(workers.slice(1).map(ended));
    await checkAllDone(path);
    const begun = (await notes(log)).filter(({ word }) => word === "began");
    const twice = begun.filter(({ id }, index) => begun.findIndex((other) => other.id === id) !== index);
    const inFlight = begun.filter(({ pid }) => pid === String(workers[0].pid)).at(-1)?.id;
    // Only what the killed one had in hand.
    assert(twice.every(({ id }) => id === inFlight), JSON.stringify(twice));
    assert(new Set(begun.map(({ pid }) => pid)).size >= 2, "one process did it all");
  }));
