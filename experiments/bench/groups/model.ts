import { type CacheOptions, type Knobs, type MethodName } from "../../../lib/attention/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { loadModel, type Model, type Session } from "../../../lib/model/mod.ts";
import { HostTime } from "../host_time.ts";
import { type Contender, type Sample, timeInTurns } from "../clock.ts";
import { inputValue } from "../inputs.ts";
import { loadRandomLlama, randomLlamaWeights } from "../random_llama.ts";
import type { Row } from "../row.ts";

/** A whole model to time: lengths as multiples of the scope. */
export interface ModelCase {
  /** Its name in rows. */
  readonly name: string;
  /** Storage of its weights. */
  readonly dtype: string;
  /** Loads it. */
  load(device: Device): Promise<Model>;
  /** Bytes of weights that a decode step reads; undefined where they fit a cache, and the copy limit says nothing. */
  readonly weightBytes?: number;
  /** Most tokens that a selecting method attends to. */
  readonly scope: number;
  /** Where keys and values are stored. Default f32. */
  readonly storage?: "f32" | "f16";
  /** Lengths in tokens. */
  readonly lengths: readonly number[];
  /** Methods and knobs to time at each length. */
  readonly methods: readonly { label: string; method: MethodName; knobs: Partial<Knobs> }[];
}

const DECODED = 16;
const REPEATS = 3;

/** The embedded model at 8 and 32 times its scope of 512 tokens. */
export function demoCase(): ModelCase {
  const knobs = { allowBeyondTrained: true, chunkSize: 128 };
  return {
    name: "demo",
    dtype: "f32",
    load: (device) => loadModel("demo", { device }),
    scope: 512,
    lengths: [4096, 16384],
    methods: [
      { label: "full", method: "full", knobs },
      { label: "reattention", method: "reattention", knobs },
      { label: "reattention recallEvery 16", method: "reattention", knobs: { ...knobs, recallEvery: 16 } },
      { label: "reattention-window", method: "reattention", knobs: { ...knobs, prefill: "window" } },
    ],
  };
}

/** A Llama of 1B parameters, random halves, at 8 and 32 times a scope of 2,048 tokens: 32 first, 992 last and 32 spans of 32. */
export function llamaCase(): ModelCase {
  const knobs = { globalSize: 32, window: 992, k: 4, spanSize: 32, recallClip: 32, chunkSize: 512 };
  return {
    name: "llama-1b",
    dtype: "f16",
    weightBytes: 2 * randomLlamaWeights(),
    scope: 2048,
    storage: "f16",
    load: loadRandomLlama,
    lengths: [16384, 65536],
    methods: [
      { label: "full", method: "full", knobs: { chunkSize: 2048 } },
      { label: "reattention", method: "reattention", knobs },
      { label: "reattention recallEvery 16", method: "reattention", knobs: { ...knobs, recallEvery: 16 } },
    ],
  };
}

/** Times prefill once and decoding in turns, for every length; `report` hears of each row. */
export async function timeModel(device: Device, item: ModelCase, report: (row: Row) => void): Promise<void> {
  using model = await item.load(device);
  for (const length of item.lengths) {
    const tokens = Array.from(
      { length },
      (_, index) => Math.floor((inputValue(7, index) + 0.5) * Math.min(1000, model.config.vocabularySize - 16)) + 8,
    );
    await warm(model, item, tokens);
    const sessions: Session[] = [];
    try {
      for (const { label, method, knobs } of item.methods) {
        const session = model.createSession({ method, knobs, cache: cacheOf(item) });
        sessions.push(session);
        const start = performance.now();
        await session.append(tokens);
        const took = performance.now() - start;
        report(row("prefill", item, label, length, { milliseconds: took, spread: 0 }, {
          "tokens/s": 1000 * length / took,
        }));
      }
      const contenders = sessions.map((session, index) => new Decoding(device, item.methods[index].label, session));
      const timings = await timeInTurns(contenders, { repeats: REPEATS });
      timings.forEach((timing, index) => {
        report(row("decode", item, contenders[index].implementation, length, timing, {
          "tokens/s": 1000 / timing.milliseconds,
          "host ms": contenders[index].hostMilliseconds,
          "of full": timing.milliseconds / timings[0].milliseconds,
          // What full attention reads (keys and values) over what selecting and attending do (keys, and twice the scope).
          ...(index > 0 && { "ceiling by bytes": 2 * length / (length + 2 * item.scope) }),
          ...(item.weightBytes && { "weights TB/s": item.weightBytes / timing.milliseconds / 1e9 }),
        }));
      });
    } finally {
      for (const session of sessions) session[Symbol.dispose]();
    }
  }
}

/** Compiles every kernel that prefill needs. */
async function warm(model: Model, item: ModelCase, tokens: readonly number[]): Promise<void> {
  for (const { method, knobs } of item.methods) {
    using session = model.createSession({ method, knobs, cache: cacheOf(item) });
    await session.append(tokens.slice(0, 2 * item.scope + 1024));
  }
}

function cacheOf({ storage = "f32" }: ModelCase): CacheOptions {
  return { keyType: storage, valueType: storage };
}

function row(
  group: string,
  { name, dtype }: ModelCase,
  label: string,
  length: number,
  timing: { milliseconds: number; spread: number },
  notes: Record<string, number>,
): Row {
  return {
    group: `${group} ${name}`,
    shape: String(length),
    dtype,
    implementation: label === "full" ? "ours, full" : `ours, ${label}`,
    milliseconds: timing.milliseconds,
    spread: timing.spread,
    wallMilliseconds: timing.milliseconds,
    gpuMilliseconds: null,
    shareOfLimit: null,
    limit: null,
    amount: null,
    error: null,
    notes,
  };
}

/** Decodes tokens of a fork; a sample's time is that of one token, and so is the host's. */
class Decoding implements Contender {
  readonly implementation: string;
  /** Least time per token that the host was busy. */
  hostMilliseconds = Infinity;
  readonly #device: Device;
  readonly #session: Session;

  constructor(device: Device, implementation: string, session: Session) {
    this.#device = device;
    this.implementation = implementation;
    this.#session = session;
  }

  async sample(runs: number): Promise<Sample> {
    using fork = this.#session.fork();
    const tokens = Math.max(DECODED, Math.min(64, runs));
    using host = new HostTime(this.#device);
    const start = performance.now();
    await fork.generate([8], { maxTokens: tokens, stopTokens: [] });
    const wall = performance.now() - start;
    this.hostMilliseconds = Math.min(this.hostMilliseconds, host.milliseconds / tokens);
    return { wall: wall / tokens, counts: "wall" };
  }
}
