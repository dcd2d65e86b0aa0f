import type { Device } from "../../../lib/gpu/mod.ts";
import type { Model, Session } from "../../../lib/model/mod.ts";
import type { Approximation } from "../approximations.ts";
import { type BytesCase, fullBytes, selectingBytes } from "../bytes_read.ts";
import { median, timeInTurns } from "../clock.ts";
import { Decoding, type TokenTime, warmUp } from "../decoding.ts";
import { inputValue } from "../inputs.ts";
import type { Quality, Row } from "../row.ts";
import { cacheOf, type DecodeWay, type ModelCase, type Reading } from "./model_cases.ts";

const REPEATS = 3;
/** Reading that takes longer, in milliseconds, is timed once. */
const SLOW = 2000;

/** What timing a model needs beside the model. */
export interface ModelTiming {
  /** What each approximation costs, to stand in its rows. */
  readonly quality: ReadonlyMap<Approximation, Quality>;
  /** Hears of each row. */
  report(row: Row): void;
}

/** Times prefill and decoding in turns, for every length. */
export async function timeModel(device: Device, item: ModelCase, { quality, report }: ModelTiming): Promise<void> {
  using model = await item.load(device);
  for (const length of item.lengths) {
    const tokens = Array.from(
      { length },
      (_, index) => Math.floor((inputValue(7, index) + 0.5) * Math.min(1000, model.config.vocabularySize - 16)) + 8,
    );
    await warm(model, item, tokens);
    const sessions = await timeReading(device, model, item, tokens, report);
    try {
      const ways = item.readings.flatMap((reading, index) =>
        reading.decodes.map((way) => ({ reading, way, session: sessions[index] }))
      );
      const contenders = ways.map(({ way, session }) => new Decoding(device, way.label, session, way.knobs));
      const timings = await timeInTurns(contenders, { repeats: REPEATS });
      const kernels: (TokenTime | undefined)[] = [];
      for (const contender of contenders) kernels.push(await contender.gpuTime());
      timings.forEach((timing, index) => {
        const { reading, way } = ways[index];
        const found = way.approximation && quality.get(way.approximation);
        const bytes = bytesRead(model, item, length, reading, way);
        report({
          ...row("decode", item, way.label, length, timing, {
            "tokens/s": 1000 / timing.milliseconds,
            // A software adapter runs kernels within their submit.
            ...(!device.info.software && { "host ms": contenders[index].hostMilliseconds }),
            "of full": timing.milliseconds / timings[0].milliseconds,
            "times the scope": length / item.scope,
            ...(index > 0 && ceilings(item, bytes)),
            ...(item.weightBytes && { "weights TB/s": item.weightBytes / timing.milliseconds / 1e9 }),
            ...kernelNotes(bytes.own, kernels[index], kernels[0]),
          }),
          ...(found && { quality: found }),
        });
      });
    } finally {
      for (const session of sessions) session[Symbol.dispose]();
    }
  }
}

/** Reads the tokens in each way, in turns, and hands over a session for each. */
async function timeReading(
  device: Device,
  model: Model,
  item: ModelCase,
  tokens: readonly number[],
  report: ModelTiming["report"],
): Promise<Session[]> {
  const times = item.readings.map((): number[] => []);
  const sessions: Session[] = [];
  try {
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      for (const [index, reading] of item.readings.entries()) {
        if (times[index][0] > SLOW) continue;
        sessions[index]?.[Symbol.dispose]();
        sessions[index] = sessionOf(model, item, reading);
        await warmUp(device);
        const start = performance.now();
        await sessions[index].append(tokens);
        times[index].push(performance.now() - start);
      }
    }
  } catch (error) {
    for (const session of sessions) session[Symbol.dispose]();
    throw error;
  }
  item.readings.forEach(({ label }, index) => {
    const [milliseconds, spread] = [median(times[index]), Math.max(...times[index]) - Math.min(...times[index])];
    report(row("prefill", item, label, tokens.length, { milliseconds, spread }, {
      "tokens/s": 1000 * tokens.length / milliseconds,
    }));
  });
  return sessions;
}

/** Bytes of keys and values that a way reads for a token, and that full attention does. */
function bytesRead(model: Model, item: ModelCase, length: number, reading: Reading, way: DecodeWay) {
  const { scope, storage = "f32" } = item;
  const about: BytesCase = { shape: model.decoder.attentionShape, length, scope, storage };
  const full = fullBytes(about);
  const selecting = () => selectingBytes(about, { keyType: reading.keyType, recallEvery: way.knobs.recallEvery });
  return { full, own: reading.method === "full" ? full : selecting() };
}

/** How many times as fast as full attention a token can be by what has to be read: by keys and values, and with the weights. */
function ceilings({ weightBytes }: ModelCase, { full, own }: { full: number; own: number }): Record<string, number> {
  return {
    "ceiling by bytes": full / own,
    ...(weightBytes && { "ceiling with weights": (weightBytes + full) / (weightBytes + own) }),
  };
}

/** GPU time of a token's kernels, the rate at which attention reads, and how many times as fast as full attention's kernels its own are. */
function kernelNotes(bytes: number, own: TokenTime | undefined, full: TokenTime | undefined): Record<string, number> {
  if (!own || !full) return {};
  return {
    "GPU ms": own.all,
    "attention ms": own.attention,
    "attention GB/s": bytes / own.attention / 1e6,
    "attention times": full.attention / own.attention,
  };
}

/** Compiles every kernel that prefill needs. */
async function warm(model: Model, item: ModelCase, tokens: readonly number[]): Promise<void> {
  for (const reading of item.readings) {
    using session = sessionOf(model, item, reading);
    await session.append(tokens.slice(0, 2 * item.scope + 1024));
  }
}

function sessionOf(model: Model, item: ModelCase, reading: Reading): Session {
  const { method, knobs } = reading;
  return model.createSession({ method, knobs, cache: cacheOf(item, reading) });
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
    implementation: `ours, ${label}`,
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
