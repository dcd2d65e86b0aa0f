import type { Model, Session } from "../../lib/model/mod.ts";
import type { EvaluateOn } from "../evaluate/evaluate_on.ts";
import type { PaperColumn } from "./settings.ts";

/** What reading and writing cost, as a line through what was measured: longer contexts cost more a token. */
export interface Cost {
  /** Seconds for a token of a prompt at a depth: `base + slope * depth`. */
  readonly base: number;
  readonly slope: number;
  /** Seconds for a token of an answer, measured behind `measured` tokens. */
  readonly answer: number;
  /** Bytes of the device besides the weights, for a token of a context. */
  readonly bytes: number;
  /** Tokens that were read to measure it. */
  readonly measured: number;
}

/** Tokens of a step of the measurement. */
const STEP = 512;
const ANSWER = 8;
/** Milliseconds after which a measurement ends with what it has. */
const PATIENCE = 60_000;

/** The fewest tokens by which a method's selection is at work. */
export function tokensToProbe({ method, knobs }: PaperColumn, longest: number): number {
  const { globalSize = 32, window = 4096, k = 0, spanSize = 32, recallClip = 127 } = knobs;
  const scope = method === "reattention" && k > 0 ? globalSize + window + spanSize * recallClip : window;
  return Math.min(longest, Math.max(2048, 2 * scope));
}

/** Reads part of a text by a column's method and writes a few tokens, with the clock running. */
export async function probe(
  column: PaperColumn,
  tokens: readonly number[],
  { model, signal, progress }: EvaluateOn,
): Promise<Cost> {
  const { method } = column;
  const knobs = { ...column.knobs, ...(method === "full" && { allowBeyondTrained: true }) };
  await warmUp(model, { method, knobs }, tokens);
  const { memory } = model.decoder.device;
  const idle = memory.liveBytes;
  using session = model.createSession({ method, knobs });
  const points: { depth: number; seconds: number }[] = [];
  const start = performance.now();
  for (let done = 0; done < tokens.length && performance.now() - start < PATIENCE; done += STEP) {
    const part = tokens.slice(done, done + STEP);
    const seconds = await timed(() => read(session, part, signal));
    points.push({ depth: done + part.length / 2, seconds: seconds / part.length });
    progress.update(done / tokens.length, `measuring ${column.name}`, `token ${done}`);
  }
  const bytes = (memory.liveBytes - idle) / Math.max(1, session.length);
  const answer = await timed(() => write(session, tokens, signal)) / ANSWER;
  return { ...lineThrough(points), answer, bytes, measured: session.length };
}

/** Pipelines are compiled before the clock runs. */
async function warmUp(model: Model, options: Parameters<Model["createSession"]>[0], tokens: readonly number[]) {
  using session = model.createSession(options);
  await session.append(tokens.slice(0, STEP));
  await write(session, tokens);
}

async function read(session: Session, tokens: readonly number[], signal: AbortSignal): Promise<void> {
  await session.append(tokens, { signal });
}

async function write(session: Session, tokens: readonly number[], signal?: AbortSignal): Promise<void> {
  for await (const _ of session.stream(tokens.slice(0, 1), { maxTokens: ANSWER, signal }));
}

async function timed(act: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await act();
  return (performance.now() - start) / 1000;
}

/** Least squares; a line that falls is a flat one. */
function lineThrough(points: readonly { depth: number; seconds: number }[]): { base: number; slope: number } {
  const mean = (value: (point: { depth: number; seconds: number }) => number) =>
    points.reduce((sum, point) => sum + value(point), 0) / points.length;
  const [depth, seconds] = [mean((point) => point.depth), mean((point) => point.seconds)];
  const spread = mean((point) => (point.depth - depth) ** 2);
  const slope = spread === 0
    ? 0
    : Math.max(0, mean((point) => (point.depth - depth) * (point.seconds - seconds)) / spread);
  return { base: Math.max(0, seconds - slope * depth), slope };
}

/** Seconds to read a prompt. */
export function readingSeconds({ base, slope }: Cost, tokens: number): number {
  return base * tokens + slope * tokens * tokens / 2;
}
