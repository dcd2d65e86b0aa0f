/** What perplexity needs of a session; sessions of `lib/model` have it. */
export interface LossSession<Self> {
  /** Reads tokens and tells what the model expects after each: logits, row-major [tokens, vocabulary]. */
  logits(tokens: readonly number[], options?: { signal?: AbortSignal }): Promise<Float32Array>;
  /** A session over the same context that goes its own way. */
  fork(): Self;
  /** Gives its memory back. */
  [Symbol.dispose](): void;
}

/** How a text is scored. */
export interface PerplexityOptions {
  /** Tokens of a bin. */
  readonly bin: number;
  /** Scored tokens of each bin, from its start; Infinity: all. */
  readonly rows: number;
  /** Tokens that are read at once: the method's chunk. */
  readonly chunk: number;
  /**
   * Whether tokens vote on what others of their chunk attend to. Scored tokens are then read a second time, one by one in a
   * fork, so that each sees votes of tokens up to itself only.
   */
  readonly votes: boolean;
  /** Called with each bin. */
  readonly onBin?: (bin: LossBin) => void;
  /** Ends it with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Losses of one stretch of a text. */
export interface LossBin {
  /** Its first token. */
  readonly start: number;
  /** Loss of each scored token in nats, strictly causal: token i's depends on tokens up to i only. */
  readonly losses: readonly number[];
  /** The same tokens' losses where whole chunks vote: later tokens of a chunk help to choose. Equal without votes. */
  readonly lookAhead: readonly number[];
}

/**
 * Minus the logarithm of the probability that a row of logits gives a token, in nats.
 *
 * @example
 * ```ts
 * import { lossOf } from "@reattention/toolkit/evaluation";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * // Two tokens, equally likely.
 * assertAlmostEquals(lossOf(new Float32Array([0, 0]), 0, 2, 1), Math.log(2));
 * ```
 */
export function lossOf(logits: Float32Array, row: number, vocabulary: number, token: number): number {
  const start = row * vocabulary;
  let most = -Infinity;
  for (let index = start; index < start + vocabulary; index++) most = Math.max(most, logits[index]);
  let sum = 0;
  for (let index = start; index < start + vocabulary; index++) sum += Math.exp(logits[index] - most);
  return most + Math.log(sum) - logits[start + token];
}

/**
 * Loss by position of a long text, read in one pass. The text goes on chunk by chunk; the first tokens of each bin are scored.
 *
 * Where tokens of a chunk vote together, a token attends to what later ones chose, so that the loss of a chunk's rows is no
 * loss of a language model. Scored tokens are therefore read as steps of their own, by a fork of the session at the bin's
 * start, and the chunks' figure is kept beside as look-ahead. What stands in the cache before a bin was chosen by earlier
 * tokens only, so nothing after a scored token can touch its loss.
 *
 * @param session empty; it has read the text when this is done
 * @param tokens the text, its first one included
 * @param vocabulary of the model
 *
 * @example
 * ```ts
 * import { Device, loadModel } from "@reattention/toolkit";
 * import { lossByPosition, readBook } from "@reattention/toolkit/evaluation";
 * import { assert } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const tokens = model.tokenizer.encode((await readBook("emma")).slice(0, 900));
 * using session = model.createSession({ method: "full" });
 * const { vocabularySize } = model.config;
 * const [bin] = await lossByPosition(session, tokens, vocabularySize, { bin: 128, rows: 64, chunk: 64, votes: false });
 * // Better than guessing among all tokens.
 * assert(bin.losses.reduce((a, b) => a + b) / bin.losses.length < Math.log(vocabularySize));
 * ```
 */
export async function lossByPosition<Session extends LossSession<Session>>(
  session: Session,
  tokens: readonly number[],
  vocabulary: number,
  { bin, rows, chunk, votes, onBin, signal }: PerplexityOptions,
): Promise<LossBin[]> {
  if (bin % chunk !== 0) throw new RangeError(`bin ${bin} must be a multiple of the chunk, ${chunk} tokens`);
  const bins: LossBin[] = [];
  for (let start = 0; start + 1 < tokens.length; start += bin) {
    signal?.throwIfAborted();
    // The last token has no next one to expect.
    const scored = Math.min(rows, bin, tokens.length - 1 - start);
    const alone = votes ? await oneByOne(session, tokens, vocabulary, start, scored, signal) : undefined;
    const lookAhead = await inChunks(session, tokens.slice(start, start + bin + 1), vocabulary, {
      bin,
      chunk,
      scored,
      signal,
    });
    const made = { start, losses: alone ?? lookAhead, lookAhead };
    bins.push(made);
    onBin?.(made);
  }
  return bins;
}

async function oneByOne<Session extends LossSession<Session>>(
  session: Session,
  tokens: readonly number[],
  vocabulary: number,
  start: number,
  scored: number,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  using fork = session.fork();
  const losses: number[] = [];
  for (let place = start; place < start + scored; place++) {
    const logits = await fork.logits([tokens[place]], { signal });
    losses.push(lossOf(logits, 0, vocabulary, tokens[place + 1]));
  }
  return losses;
}

/** Reads a bin chunk by chunk; `part` holds one token more, the last one's next. */
async function inChunks<Session extends LossSession<Session>>(
  session: Session,
  part: readonly number[],
  vocabulary: number,
  { bin, chunk, scored, signal }: { bin: number; chunk: number; scored: number; signal?: AbortSignal },
): Promise<number[]> {
  const losses: number[] = [];
  const end = Math.min(bin, part.length);
  for (let start = 0; start < end; start += chunk) {
    const piece = part.slice(start, Math.min(end, start + chunk));
    const logits = await session.logits(piece, { signal });
    for (let row = 0; row < piece.length && losses.length < scored; row++) {
      losses.push(lossOf(logits, row, vocabulary, part[start + row + 1]));
    }
  }
  return losses;
}
