import type { Knobs } from "../../lib/attention/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import type { Session } from "../../lib/model/mod.ts";
import type { Contender, Sample } from "./clock.ts";
import { HostTime } from "./host_time.ts";
import { keepBusy } from "./keep_busy.ts";

/** Tokens of a sample: on a software adapter few, elsewhere so many that its first ones, which come slower, count little. */
const FEWEST = 16;
const MOST_IN_SOFTWARE = 64;
const MANY = 256;
/** A run so short that it only shows about how long one takes. */
const TRIAL_RUNS = 4;
const TRIAL = 32;

/** Kernels of a decode step that look at cached keys and values, or list what is looked at. */
export const ATTENTION_KERNELS: ReadonlySet<string> = new Set([
  ...[
    "attention_split",
    "attention_combine",
    "attention_join",
    "attention_lanes",
    "attention_tiled",
    "attention_transposed",
    "causal_attention",
    "causal_attention_image",
  ],
  ...[
    "scan_groups",
    "score_groups",
    "rescore_groups",
    "rescore_short_groups",
    "score_short_top_k",
    "score_top_k",
    "score_image_top_k",
    "merge_top_k",
  ],
  ...[
    "cast_votes",
    "clip_votes",
    "pick_tokens",
    "pick_best",
    "collect_indices",
    "fold_grid",
    "gather_rotate",
    "gather_vectors",
    "rotate_queries",
  ],
]);

/** GPU time of a token. */
export interface TokenTime {
  /** Milliseconds of all kernels. */
  readonly all: number;
  /** Those of them that attend and select. */
  readonly attention: number;
}

/** Decodes tokens of a fork; a sample's time is that of one token, and so is the host's. */
export class Decoding implements Contender {
  readonly implementation: string;
  /** Least time per token that the host was busy. */
  hostMilliseconds = Infinity;
  readonly #device: Device;
  readonly #session: Session;
  readonly #knobs: Partial<Knobs>;

  constructor(device: Device, implementation: string, session: Session, knobs: Partial<Knobs>) {
    this.#device = device;
    this.implementation = implementation;
    this.#session = session;
    this.#knobs = knobs;
  }

  async sample(runs: number): Promise<Sample> {
    const inSoftware = Math.max(FEWEST, Math.min(MOST_IN_SOFTWARE, runs));
    const trial = runs <= TRIAL_RUNS;
    const tokens = this.#device.info.software ? inSoftware : trial ? TRIAL : MANY;
    using fork = this.#session.fork({ knobs: this.#knobs });
    if (!trial) await warmUp(this.#device);
    using host = new HostTime(this.#device);
    const start = performance.now();
    const made = await this.#decode(fork, tokens);
    const wall = performance.now() - start;
    this.hostMilliseconds = Math.min(this.hostMilliseconds, host.milliseconds / made);
    return { wall: wall / made, counts: "wall" };
  }

  /** GPU time of a token, each kernel call timed on its own; undefined without a GPU or its timestamps. */
  async gpuTime(): Promise<TokenTime | undefined> {
    const { profiler, info } = this.#device;
    if (!info.timestamps || info.software) return undefined;
    using fork = this.#session.fork({ knobs: this.#knobs });
    await warmUp(this.#device);
    // What was timed before is not of these tokens.
    await this.#device.kernelTimes();
    profiler.enabled = true;
    try {
      const made = await this.#decode(fork, TRIAL);
      const times = await this.#device.kernelTimes();
      const sum = (kernels: typeof times) =>
        kernels.reduce((total, { milliseconds }) => total + milliseconds, 0) / made;
      return { all: sum(times), attention: sum(times.filter(({ kernel }) => ATTENTION_KERNELS.has(kernel))) };
    } finally {
      profiler.enabled = false;
    }
  }

  /** Whole turns of steps that select and steps that go on, so that a token's time is what it is over many. */
  async #decode(fork: Session, tokens: number): Promise<number> {
    const turn = this.#knobs.recallEvery ?? 1;
    const made = turn * Math.ceil(tokens / turn);
    await fork.generate([8], { maxTokens: made, stopTokens: [] });
    return made;
  }
}

/** Has a GPU that idled its clocks down raise them. */
export async function warmUp(device: Device): Promise<void> {
  if (device.info.software) return;
  await keepBusy(device);
  await device.finish();
}
