import { Tensor } from "../../tensor/mod.ts";
import type { SequenceReader } from "./sequence_reader.ts";

/** How likely an answer is, its tokens given one after another. */
export interface AnswerProbability {
  /** Natural logarithm of the whole answer's probability: the sum of its tokens'. */
  readonly logProbability: number;
  /** Each token's, in order. */
  readonly tokens: readonly number[];
}

/** Reads a prompt but for its last token; what an answer's steps go on from. */
export async function readToAnswer(
  reader: SequenceReader,
  prompt: readonly number[],
  onStep?: () => Promise<void>,
  signal?: AbortSignal,
): Promise<number> {
  reader.questionStart ??= reader.length;
  const all = reader.takePending(prompt);
  if (all.length === 0) throw new RangeError("the prompt is empty; give at least one token");
  await reader.prefill(all.slice(0, -1), { signal }, onStep && (() => onStep()));
  return all[all.length - 1];
}

/**
 * Writes an answer whose tokens are given, and tells how likely each was. The last prompt token is the first step, as in
 * generation; without an answer it is the only one.
 */
export async function forceAnswer(
  reader: SequenceReader,
  lastToken: number,
  answer: readonly number[],
  onStep?: () => Promise<void>,
  signal?: AbortSignal,
): Promise<AnswerProbability> {
  const { stepper, cache } = reader;
  // As in generation: an answer does not depend on what was selected before it.
  for (const sequence of cache.sequences) sequence.hold(undefined);
  const tokens: number[] = [];
  const fed = [lastToken, ...answer.slice(0, -1)];
  for (const [index, token] of fed.entries()) {
    using ids = Tensor.from(cache.device, Uint32Array.of(token), [1, 1]);
    const about = { phase: "decode", first: false, questionStart: reader.questionStart } as const;
    using hidden = await stepper.step(ids, about, signal);
    reader.tookIn([token]);
    using logits = stepper.model.decoder.logits(hidden);
    if (index < answer.length) tokens.push(logProbability(await logits.read() as Float32Array, answer[index]));
    await onStep?.();
  }
  await stepper.readScope();
  return { logProbability: tokens.reduce((sum, value) => sum + value, 0), tokens };
}

/** Log-softmax of one token, in f64. */
function logProbability(logits: Float32Array, token: number): number {
  let highest = -Infinity;
  for (const logit of logits) highest = Math.max(highest, logit);
  let total = 0;
  for (const logit of logits) total += Math.exp(logit - highest);
  return logits[token] - highest - Math.log(total);
}
