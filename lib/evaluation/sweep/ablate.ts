import type { Device } from "../../gpu/mod.ts";
import { planSweep } from "./grid.ts";
import { type Bench, ModelBench } from "./bench.ts";
import { InMemoryLedger, type Ledger } from "./ledger.ts";
import type { TrialRecord } from "./record.ts";
import { parseSweepSpec, type SweepSpec, type SweepSpecInput } from "./spec.ts";
import { SweepFile } from "./sweep_file.ts";
import type { Trial } from "./trial.ts";

/** How a run is watched and stopped. */
export interface SweepRunOptions {
  /** Ends the run within a step; the trial in hand is given back. */
  signal?: AbortSignal;
  /** Called as trials end, before they are handed out. */
  onTrial?: (record: TrialRecord) => void;
  /** Called as a trial goes on, with its share from 0 to 1; without a trial while others run all that are left. */
  onProgress?: (trial: Trial | undefined, share: number, phase: "reading" | "asking" | "waiting") => void;
  /** Keeps what each trial's first question selected. Default false. */
  traces?: boolean;
}

/** How a sweep is run, watched and stopped. */
export interface AblateOptions extends Omit<SweepRunOptions, "traces"> {
  /** The sweep's SQLite file, where it can be stopped and gone on with. Default: none, all in memory. */
  out?: string;
  /** Adds to a file of another spec. Default false. */
  extend?: boolean;
  /** Lets failed trials of the file run again. Default false. */
  retryFailed?: boolean;
  /** The device. Default: one of its own. */
  device?: Device;
}

const POLL = 500;
const BEAT = 15_000;

/**
 * Runs a sweep and hands out its trials as they end. Trials that read the same context in the same way share one reading;
 * weights are loaded once. A trial that fails is recorded with its error, and the sweep goes on. With `out`, finished trials
 * of an earlier run are not run again (nor handed out); leaving the loop, or the signal, stops the sweep.
 *
 * @param spec what to run, as in a spec file
 * @returns the trials in the order in which they end
 * @throws {RangeError} for a spec that is wrong, naming each fault.
 * @throws {OtherSpecError} where `out` holds another spec.
 * @throws the signal's reason once it is aborted.
 *
 * @example Two settings of one knob, on two contexts
 * ```ts
 * import { ablate } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const scores = new Map<number, number[]>();
 * const spec = { sweep: { recallClip: [0, 7] }, methods: ["reattention-window" as const], lengths: [1200], seeds: [1, 2] };
 * for await (const { trial: { knobs }, result } of ablate(spec)) {
 *   scores.set(knobs.recallClip, [...scores.get(knobs.recallClip) ?? [], result!.score]);
 * }
 * assertEquals([...scores.keys()], [0, 7]);
 * assertEquals(scores.get(7)!.length, 2);
 * ```
 */
export async function* ablate(
  spec: SweepSpecInput | SweepSpec,
  options: AblateOptions = {},
): AsyncGenerator<TrialRecord, void, void> {
  const parsed = isComplete(spec) ? spec : parseSweepSpec(spec);
  const plan = await planSweep(parsed);
  const { out, extend, retryFailed, device, ...watching } = options;
  const run = { ...watching, traces: parsed.traces };
  using bench = new ModelBench(device);
  if (out === undefined) return yield* runLedger(new InMemoryLedger(plan.trials), bench, run);
  using file = await SweepFile.open(out, parsed, plan.trials, { extend });
  if (retryFailed) file.retryFailed();
  yield* runLedger(file, bench, run);
}

/** Parsed specs have axes of plain lists and a task apart from its options. */
function isComplete(spec: SweepSpecInput | SweepSpec): spec is SweepSpec {
  return "parameters" in spec;
}

/**
 * Runs what a ledger has on a bench, until nothing is left.
 *
 * @returns the trials in the order in which they end
 * @throws what keeps the bench from running any trial; the signal's reason once it is aborted.
 *
 * @example
 * ```ts
 * import { InMemoryLedger, ModelBench, parseSweepSpec, planSweep, runLedger } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const methods = ["reattention-window"];
 * const { trials } = await planSweep(parseSweepSpec({ methods, sweep: { k: [1, 4] }, lengths: [500], seeds: [0] }));
 * using bench = new ModelBench();
 * const records = await Array.fromAsync(runLedger(new InMemoryLedger(trials), bench));
 * assertEquals(records.map(({ trial, status }) => [trial.knobs.k, status]), [[1, "done"], [4, "done"]]);
 * ```
 */
export async function* runLedger(
  ledger: Ledger,
  bench: Bench,
  { signal, onTrial, onProgress, traces = false }: SweepRunOptions = {},
): AsyncGenerator<TrialRecord, void, void> {
  const beat = setInterval(() => ledger.beat(), BEAT);
  let held: string | undefined;
  try {
    for (;;) {
      signal?.throwIfAborted();
      const claim = ledger.claim(bench.prefill);
      if (claim === undefined) return;
      if (claim === "wait") {
        onProgress?.(undefined, 0, "waiting");
        await pause(signal);
        continue;
      }
      held = claim.trial.id;
      const { record, trace } = await bench.run(claim, {
        signal,
        trace: traces,
        onProgress: (share, phase) => onProgress?.(claim.trial, share, phase),
      });
      const kept = ledger.finish(record, trace);
      held = undefined;
      if (!kept) continue;
      onTrial?.(record);
      yield record;
    }
  } finally {
    clearInterval(beat);
    if (held !== undefined) ledger.release(held);
  }
}

function pause(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", wake);
      resolve();
    };
    const timer = setTimeout(wake, POLL);
    signal?.addEventListener("abort", wake);
  });
}
