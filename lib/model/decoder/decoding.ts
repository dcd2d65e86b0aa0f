import { ReadBatches } from "./read_batches.ts";
import { Sampler } from "./sampler.ts";
import type { Generation } from "../session/session_options.ts";
import type { Stepper } from "./stepper.ts";

/**
 * Most tokens on their way to the host while a GPU goes on with the next batch, unless the last batch was longer: steps that follow
 * must not wait for a read. On a software adapter steps past an answer's end would cost more.
 */
const READ_AHEAD = 32;

/** Calls that are worth a submit of their own: what is met again in it costs Deno half as much. */
const SUBMITTED_CALLS = 512;

/** How a sequence's answer begins. */
export interface AnswerStart {
  /** The prompt's last token: the first decode step. */
  readonly lastToken: number;
  /** Index of the question's first token. */
  readonly questionStart: number | undefined;
}

/** How far a sequence's answer is. */
interface AnswerState {
  /** Tokens cached before it. */
  readonly start: number;
  delivered: number;
  /** The prompt's last token and those delivered. */
  readonly tokens: number[];
  /** The last token delivered; the prompt's last one until then. */
  newest: number;
  stopped: boolean;
}

/**
 * Writes answers of all sequences side by side: each chosen token feeds the next step on the GPU, and the host waits once a
 * batch of steps. What ran past a stop token, an abort or a reader who left is dropped from the cache.
 */
export class Decoding {
  readonly #stepper: Stepper;
  readonly #starts: readonly AnswerStart[];
  readonly #answers: readonly AnswerState[];

  /** Answers that start where the stepper's sequences end, one start for each. */
  constructor(stepper: Stepper, starts: readonly AnswerStart[]) {
    this.#stepper = stepper;
    this.#starts = starts;
    this.#answers = stepper.cache.lengths.map((start, sequence) => {
      const { lastToken } = starts[sequence];
      return { start, delivered: 0, tokens: [lastToken], newest: lastToken, stopped: false };
    });
    // An answer does not depend on how far the one before ran past its end.
    for (const sequence of stepper.cache.sequences) sequence.hold(undefined);
  }

  /** Per sequence: the token that is not in the cache yet, if there is one; to be read after the run. */
  get pending(): readonly (readonly number[])[] {
    const { lengths } = this.#stepper.cache;
    return this.#answers.map(({ start, delivered, newest }, sequence) => {
      return delivered > 0 || lengths[sequence] === start ? [newest] : [];
    });
  }

  /** Per sequence: the prompt's last token and those delivered, the pending one included; to be read after the run. */
  get tokens(): readonly (readonly number[])[] {
    return this.#answers.map(({ tokens }) => tokens);
  }

  /** Hands over each sequence's next tokens, without stop tokens, until all have stopped or are long enough. */
  async *run({ sampling, maxTokens, stops, signal }: Generation): AsyncGenerator<number[][], void, void> {
    const { cache } = this.#stepper;
    using sampler = new Sampler(cache.device, cache.batch, maxTokens, sampling);
    cache.device.commands.write(sampler.next.buffer, 0, Uint32Array.from(this.#starts, ({ lastToken }) => lastToken));
    const batches = new ReadBatches(performance.now());
    let [delivered, ahead] = [0, 0];
    const reads: { from: number; until: number; chosen: Promise<Uint32Array> }[] = [];
    try {
      while (sampler.count < maxTokens || reads.length > 0) {
        if (sampler.count < maxTokens && sampler.count - delivered <= ahead) {
          const [from, steps] = [sampler.count, batches.next()];
          await this.#choose(sampler, Math.min(maxTokens, from + steps), signal);
          reads.push({ from, until: sampler.count, chosen: this.#stepper.readScope(sampler.chosen) });
          ahead = cache.device.info.software ? 0 : Math.max(READ_AHEAD, steps);
          continue;
        }
        const { from, until, chosen } = reads.shift()!;
        const tokens = await chosen;
        delivered = until;
        batches.came(until, performance.now());
        const news = this.#deliver(tokens, { from, until, room: maxTokens }, stops);
        if (news.some(({ length }) => length > 0)) yield news;
        if (this.#answers.every(({ stopped }) => stopped)) return;
      }
    } finally {
      await Promise.allSettled(reads.map(({ chosen }) => chosen));
      this.#dropTheRest();
    }
  }

  /** What a read brings of each sequence's tokens from place `from` to `until`. */
  #deliver(
    chosen: Uint32Array,
    { from, until, room }: { from: number; until: number; room: number },
    stops: ReadonlySet<number>,
  ): number[][] {
    return this.#answers.map((answer, sequence) => {
      return deliver(answer, chosen.subarray(sequence * room + from, sequence * room + until), stops);
    });
  }

  async #choose(sampler: Sampler, until: number, signal: AbortSignal | undefined): Promise<void> {
    const questionStart = this.#starts.map(({ questionStart }) => questionStart);
    while (sampler.count < until) {
      using hidden = await this.#stepper.step(sampler.next, { phase: "decode", first: false, questionStart }, signal);
      using logits = this.#stepper.model.decoder.logits(hidden);
      sampler.choose(logits);
      const { device: { commands, info } } = this.#stepper.cache;
      // A GPU begins with tokens while the next are recorded; a submit costs the host as much as some tens of calls.
      if (!info.software && commands.recorded >= SUBMITTED_CALLS) commands.flush();
    }
  }

  /** The cache keeps all but the newest token delivered. */
  #dropTheRest(): void {
    if (this.#stepper.disposed) return;
    this.#stepper.cache.truncate(this.#answers.map(({ start, delivered }) => start + Math.max(1, delivered)));
  }
}

/** The next tokens of an answer up to its stop token. */
function deliver(answer: AnswerState, chosen: Uint32Array, stops: ReadonlySet<number>): number[] {
  if (answer.stopped) return [];
  const stop = chosen.findIndex((token) => stops.has(token));
  answer.stopped = stop >= 0;
  const tokens = [...(answer.stopped ? chosen.slice(0, stop) : chosen)];
  answer.delivered += tokens.length;
  answer.tokens.push(...tokens);
  answer.newest = tokens.at(-1) ?? answer.newest;
  return tokens;
}
