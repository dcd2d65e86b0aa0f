import type { Device } from "../../lib/gpu/mod.ts";
import type { Model, SessionOptions } from "../../lib/model/mod.ts";
import { processMemoryBytes } from "../../lib/platform.ts";

/** What is run. */
export interface SoakOptions {
  /** Decode steps in all. */
  readonly steps: number;
  /** Seconds after which no more are made; Infinity: no end but the steps'. */
  readonly seconds: number;
  /** Tokens of the context. */
  readonly context: number;
  /** Steps of each answer: it is written on a fork of the context, and dropped. */
  readonly answer: number;
  /** Share of the steps that count as warm-up. */
  readonly warmUp: number;
  /** Method and knobs. */
  readonly session: SessionOptions;
  /** Called after each answer; what is handed over tells what was seen so far. */
  readonly onAnswer?: (sofar: () => SoakResult) => Promise<void>;
}

/** What was seen after one answer. */
export interface SoakSample {
  /** Steps done. */
  readonly steps: number;
  /** Milliseconds a step of this answer. */
  readonly milliseconds: number;
  /** GPU bytes in use. */
  readonly liveBytes: number;
  /** GPU bytes kept for reuse. */
  readonly idleBytes: number;
  /** Bytes that the process takes, as the system counts them. */
  readonly processBytes: number;
  /** Those of them that JavaScript's heap takes, free room included. */
  readonly heapBytes: number;
}

/** How far something moved after the warm-up. */
export interface Movement {
  /** Median of the first quarter after the warm-up. */
  readonly first: number;
  /** Median of the last quarter. */
  readonly last: number;
  /** Last over first, less 1. */
  readonly drift: number;
}

/** What came of it. */
export interface SoakResult {
  /** Steps made. */
  readonly steps: number;
  /** Seconds that they took. */
  readonly seconds: number;
  /** GPU bytes in use. */
  readonly live: Movement;
  /** Bytes of the process. */
  readonly process: Movement;
  /** Bytes of JavaScript's heap, part of the process's: what of its growth is only the engine taking more room for itself. */
  readonly heap: Movement;
  /** Milliseconds a step. */
  readonly speed: Movement;
  /** Whether bytes moved by at most 2 % and speed by at most 5 %. */
  readonly flat: boolean;
  /** What was seen, answer by answer. */
  readonly samples: readonly SoakSample[];
}

const MOST_BYTES_DRIFT = 0.02;
const MOST_SPEED_DRIFT = 0.05;

/** Writes answer after answer behind one context, and watches memory and speed. */
export async function soak(device: Device, model: Model, options: SoakOptions): Promise<SoakResult> {
  const { steps, seconds, context, answer } = options;
  using session = model.createSession(options.session);
  const { vocabularySize } = model.config;
  await session.append(Array.from({ length: context }, (_, index) => (index * 7919) % vocabularySize));
  const samples: SoakSample[] = [];
  const start = performance.now();
  const sofar = () => judge(samples, (performance.now() - start) / 1000, options.warmUp);
  let done = 0;
  while (done < steps && performance.now() - start < 1000 * seconds) {
    const tokens = Math.min(answer, steps - done);
    const before = performance.now();
    {
      using fork = session.fork();
      await fork.generate([done % vocabularySize], { maxTokens: tokens, stopTokens: [] });
    }
    done += tokens;
    samples.push({
      steps: done,
      milliseconds: (performance.now() - before) / tokens,
      liveBytes: device.memory.liveBytes,
      idleBytes: device.memory.idleBytes,
      processBytes: processMemoryBytes(),
      heapBytes: Deno.memoryUsage().heapTotal,
    });
    await options.onAnswer?.(sofar);
  }
  return sofar();
}

/** Medians of the first and last quarter after the warm-up. */
export function judge(samples: readonly SoakSample[], seconds: number, warmUp: number): SoakResult {
  const steady = samples.slice(Math.floor(samples.length * warmUp));
  const quarter = Math.max(1, Math.floor(steady.length / 4));
  const movement = (value: (sample: SoakSample) => number): Movement => {
    const first = median(steady.slice(0, quarter).map(value));
    const last = median(steady.slice(-quarter).map(value));
    return { first, last, drift: first === 0 ? 0 : last / first - 1 };
  };
  const live = movement(({ liveBytes }) => liveBytes);
  const process = movement(({ processBytes }) => processBytes);
  const heap = movement(({ heapBytes }) => heapBytes);
  const speed = movement(({ milliseconds }) => milliseconds);
  const flat = [live, process].every(({ drift }) => Math.abs(drift) <= MOST_BYTES_DRIFT) &&
    Math.abs(speed.drift) <= MOST_SPEED_DRIFT;
  return { steps: samples.at(-1)?.steps ?? 0, seconds, live, process, heap, speed, flat, samples };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}
