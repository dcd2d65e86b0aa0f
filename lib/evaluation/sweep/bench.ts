import type { Device } from "../../gpu/mod.ts";
import { KeptReadings } from "./kept_readings.ts";
import type { ClaimedTrial } from "./ledger.ts";
import { RECORD_VERSION, type TrialRecord } from "./record.ts";
import { type KeptTrace, type TrialOptions, TrialRunner } from "./runner.ts";
import { Workbench } from "./workbench.ts";

/** A trial that ended. */
export interface EndedTrial {
  /** What it came to. */
  readonly record: TrialRecord;
  /** What its first question selected, where that was to be kept. */
  readonly trace?: KeptTrace;
}

/** Where trials are run, one after another. */
export interface Bench {
  /** Names the reading at hand, so that trials that share it come next. */
  readonly prefill: string | undefined;
  /**
   * Runs a trial to its record, whatever comes of it.
   *
   * @throws what keeps every trial from being run; the signal's reason.
   */
  run(claim: ClaimedTrial, options: TrialOptions): Promise<EndedTrial>;
}

/** What a bench keeps. */
export interface BenchOptions {
  /** A folder where readings are kept for all processes of the machine. Default: none are. */
  readings?: string;
}

/**
 * Trials on models of this machine: weights are loaded once, pipelines compiled once, a context read once.
 *
 * @example
 * ```ts
 * import { InMemoryLedger, ModelBench, parseSweepSpec, planSweep } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const { trials } = await planSweep(parseSweepSpec({ sweep: { k: [1, 4] }, lengths: [500], seeds: [0] }));
 * const ledger = new InMemoryLedger(trials);
 * using bench = new ModelBench();
 * const { record } = await bench.run(ledger.claim()!);
 * assertEquals([record.status, record.trial.id], ["done", trials[0].id]);
 * ```
 */
export class ModelBench implements Bench {
  readonly #workbench: Workbench;
  readonly #readings: string | undefined;
  #runner: { model: string; runner: TrialRunner } | undefined;

  /** A bench that opens a device at its first trial, or runs on one that stays its owner's. */
  constructor(device?: Device, { readings }: BenchOptions = {}) {
    this.#workbench = new Workbench(device);
    this.#readings = readings;
  }

  /** The reading at hand. */
  get prefill(): string | undefined {
    return this.#runner?.runner.prefill;
  }

  /** Runs a trial; where it fails, its record says why. Without its model no trial can be run: that is thrown. */
  async run(claim: ClaimedTrial, options: TrialOptions = {}): Promise<EndedTrial> {
    const { trial } = claim;
    const runner = await this.#runnerFor(trial.model);
    const made = {
      version: RECORD_VERSION,
      trial,
      modelFingerprint: await this.#workbench.fingerprint(trial.model),
      environment: await this.#workbench.environment(),
    };
    const ended = () => ({ endedAt: new Date().toISOString() });
    try {
      const { result, trace } = await runner.run(claim, options);
      const record: TrialRecord = { ...made, status: "done", result, error: null, ...ended() };
      return trace ? { record, trace } : { record };
    } catch (error) {
      options.signal?.throwIfAborted();
      this.#drop();
      this.#workbench.recover(error);
      const { name, message } = error as Error;
      return { record: { ...made, status: "failed", result: null, error: `${name}: ${message}`, ...ended() } };
    }
  }

  /** Gives up the reading, the model and the device, unless that is somebody else's. */
  [Symbol.dispose](): void {
    this.#drop();
    this.#workbench[Symbol.dispose]();
  }

  async #runnerFor(name: string): Promise<TrialRunner> {
    if (this.#runner?.model === name) return this.#runner.runner;
    this.#drop();
    const model = await this.#workbench.model(name);
    const { memory, info } = await this.#workbench.device();
    const folder = this.#readings;
    const runner = new TrialRunner({
      createSession: (options) => model.createSession(options),
      tokenizer: model.tokenizer,
      memory,
      ...(folder !== undefined && {
        readings: new KeptReadings({
          folder,
          identity: [await this.#workbench.fingerprint(name), info.name],
          restore: (path, options) => model.restore(path, options),
        }),
      }),
    });
    this.#runner = { model: name, runner };
    return runner;
  }

  #drop(): void {
    this.#runner?.runner.drop();
    this.#runner = undefined;
  }
}
