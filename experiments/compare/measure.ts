import { type Knobs, presets, resolveKnobs } from "../../lib/attention/mod.ts";
import {
  askNeedle,
  clusteredInterval,
  makeHaystack,
  type NeedleVariant,
  questionRoom,
  Random,
  RetrievalSession,
  runNeedleTask,
} from "../../lib/evaluation/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import type { Model, Session } from "../../lib/model/mod.ts";
import type { Contestant, Regime } from "./contestants.ts";
import { EIGHTH, TRAINED } from "./contestants.ts";
import { OracleSession } from "./oracle_session.ts";

/** Needles of a context, all asked for. */
export const NEEDLES = 4;
/** Tokens of prose whose perplexity is taken, at the end of a context. */
const JUDGED = 128;
/** Tokens written to time one. */
const WRITTEN = 8;
const BYTES = 4;

/** What is asked of a contestant. */
export interface MeasureTask {
  /** The regime. */
  readonly regime: Regime;
  /** Tokens of a context with question and answer. */
  readonly length: number;
  /** What is hidden. */
  readonly variant: NeedleVariant;
  /** Contexts. */
  readonly haystacks: number;
  /** Seed of the contexts. */
  readonly seed: number;
}

/** What a contestant answered. */
export interface Answers {
  /** Questions asked. */
  readonly questions: number;
  /** Share of exactly right answers, and its 95 % interval, clustered by context. */
  readonly exact: number;
  readonly low: number;
  readonly high: number;
  /** Most bytes in use at once. */
  readonly peakBytes: number;
}

/** What a contestant takes. */
export interface Costs {
  /** Tokens that a head attends to in a decode step, all heads' and layers' mean. */
  readonly attended: number;
  /** Bytes that must stay for later steps: keys, values and what the method keeps beside them. */
  readonly residentBytes: number;
  /** Bytes that a decode step reads of them, scoring included. */
  readonly readBytes: number;
  /** Seconds for a token of an answer. */
  readonly secondsPerToken: number;
  /** Perplexity of prose at the end of a context of that length; null for retrieval. */
  readonly perplexity: number | null;
}

/** Measures contestants on one model. */
export class Bench {
  readonly #model: Model;
  readonly #device: Device;
  readonly #signal: AbortSignal | undefined;

  /** Model and device stay their owner's. */
  constructor(model: Model, device: Device, signal?: AbortSignal) {
    this.#model = model;
    this.#device = device;
    this.#signal = signal;
  }

  /** Asks a contestant. */
  async answers(contestant: Contestant, knobs: Partial<Knobs>, task: MeasureTask): Promise<Answers> {
    const { label } = contestant;
    const { length, haystacks, seed, variant } = task;
    const subject = { tokenizer: this.#model.tokenizer, memory: this.#device.memory };
    const about = { method: label, length, haystacks, seed, variant, needles: NEEDLES };
    const options = { signal: this.#signal };
    const [row] = contestant.method === "bm25"
      ? await runNeedleTask({ ...subject, createSession: () => this.#retrieval(knobs, task) }, about, options)
      : contestant.method === "oracle"
      ? await runNeedleTask(
        { ...subject, createSession: () => new OracleSession(this.#session(contestant, knobs)) },
        about,
        options,
      )
      : await runNeedleTask({ ...subject, createSession: () => this.#session(contestant, knobs) }, about, options);
    const perHaystack = Array.from({ length: haystacks }, (_, haystack) => {
      const own = row.answers.filter((answer) => answer.haystack === haystack);
      return { correct: own.filter(({ correct }) => correct).length, total: own.length };
    });
    const { low, high } = clusteredInterval(perHaystack, { agreeing: "haystack" });
    return { questions: row.questions, exact: row.exact, low, high, peakBytes: row.peakBytes };
  }

  /** What one context and one answer take. */
  async costs(contestant: Contestant, knobs: Partial<Knobs>, task: MeasureTask): Promise<Costs> {
    const { tokenizer, config: { layers, keyValueHeads, headSize } } = this.#model;
    const random = new Random(task.seed, task.length, 1_000_000);
    const context = await makeHaystack({ tokenizer, tokens: task.length - questionRoom, needles: NEEDLES, random });
    const prompt = tokenizer.encode(askNeedle(context.needles[1]).prompt, { addSpecialTokens: false });
    const keyBytes = BYTES * layers * keyValueHeads * headSize;
    if (contestant.method === "bm25") {
      using session = this.#retrieval(knobs, task);
      await session.append(context.tokens);
      const { seconds } = await timed(() => session.generate(prompt, { maxTokens: 1 }));
      const bytes = 2 * keyBytes * session.scope;
      // The text itself stays, four bytes a token; each answer reads anew.
      const residentBytes = BYTES * context.tokens.length + bytes;
      return { attended: session.scope, residentBytes, readBytes: bytes, secondsPerToken: seconds, perplexity: null };
    }
    using session = this.#session(contestant, knobs, true);
    const judged = context.tokens.slice(-JUDGED);
    await session.append(context.tokens.slice(0, -JUDGED), { signal: this.#signal });
    session.clearTrace();
    const perplexity = await this.#perplexity(session, judged);
    session.clearTrace();
    await session.generate(prompt, { maxTokens: 2, stopTokens: [] });
    const written = session.length;
    const { seconds } = await timed(() => session.generate(prompt.slice(-1), { maxTokens: WRITTEN, stopTokens: [] }));
    const step = (await session.readTrace()).findLast(({ rows }) => rows === 1)!;
    const groups = step.layers.flatMap((layer) =>
      layer.groups.map(({ indices }) => indices.length / layer.groups.length)
    );
    const attended = groups.reduce((sum, count) => sum + count, 0) / layers;
    const { method } = session;
    const shape = { length: step.length, rows: 1, phase: "decode", first: false, questionStart: written } as const;
    const scored = method.scoredKeys?.(shape) ?? 0;
    return {
      attended,
      residentBytes: 2 * keyBytes * (method.keptTokens?.(step.length) ?? step.length) + session.memoryBytes,
      readBytes: keyBytes * (2 * attended + scored),
      secondsPerToken: seconds / WRITTEN,
      perplexity,
    };
  }

  /** Perplexity of the last tokens given what the session has read; reads them. */
  async #perplexity(session: Session, tokens: readonly number[]): Promise<number> {
    const { vocabularySize } = this.#model.config;
    const logits = await session.logits(tokens, { signal: this.#signal });
    let sum = 0;
    for (let place = 0; place + 1 < tokens.length; place++) {
      const row = logits.subarray(place * vocabularySize, (place + 1) * vocabularySize);
      const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const total = row.reduce((all, value) => all + Math.exp(value - highest), 0);
      sum += highest + Math.log(total) - row[tokens[place + 1]];
    }
    return Math.exp(sum / (tokens.length - 1));
  }

  #session({ method }: Contestant, knobs: Partial<Knobs>, trace = false): Session {
    if (method === "bm25") throw new RangeError("bm25 has no session of its own");
    return this.#model.createSession({ method, knobs, trace });
  }

  /** Reads what is found in the scope that the selecting methods have, question and answer included. */
  #retrieval({ spanSize }: Partial<Knobs>, { regime }: MeasureTask): RetrievalSession<Session> {
    const knobs = resolveKnobs({}, presets.demo);
    const createSession = () => this.#model.createSession({ method: "full", knobs: { chunkSize: knobs.chunkSize } });
    const { tokenizer } = this.#model;
    const budget = regime === "inside" ? EIGHTH : TRAINED - questionRoom;
    return new RetrievalSession({ createSession, tokenizer, budget, spanSize });
  }
}

async function timed(act: () => Promise<unknown>): Promise<{ seconds: number }> {
  const start = performance.now();
  await act();
  return { seconds: (performance.now() - start) / 1000 };
}
