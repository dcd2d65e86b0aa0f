import { type Knobs, presets, resolveKnobs } from "../../lib/attention/mod.ts";
import {
  askNeedle,
  clusteredInterval,
  type DemoRow,
  lossOf,
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

/** Needles in the context of costs. */
const NEEDLES = 4;
/** How plain needles are asked for: in five wordings in turn. */
const VARIED = { wording: "varied", opening: true } as const;
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
  /** Needles in each context. */
  readonly needles: number;
  /** Questions about each. */
  readonly questionsPerNeedle: number;
  /** Tokens of prose whose perplexity is taken, at the end of a context. */
  readonly judged: number;
  /** Seed of the contexts. */
  readonly seed: number;
}

/** What a contestant answered. */
export interface Answers {
  /** Right answers about each context. */
  readonly correct: number[];
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
  /** Seconds for a token of an answer; null where other processes share the adapter. */
  readonly secondsPerToken: number | null;
  /** Perplexity of prose at the end of a context of that length; null for retrieval. */
  readonly perplexity: number | null;
}

/** Measures contestants on one model. */
export class Bench {
  readonly #model: Model;
  readonly #device: Device;
  readonly #signal: AbortSignal | undefined;
  /** Whether nothing else uses the adapter, so that times can be taken. */
  readonly timed: boolean;

  /** Model and device stay their owner's. */
  constructor(model: Model, device: Device, { timed = true, signal }: { timed?: boolean; signal?: AbortSignal } = {}) {
    this.#model = model;
    this.#device = device;
    this.#signal = signal;
    this.timed = timed;
  }

  /** Asks a contestant, context by context; `before` holds what contexts gave that an earlier run read. */
  async *answers(
    contestant: Contestant,
    knobs: Partial<Knobs>,
    task: MeasureTask,
    before: Pick<Answers, "correct" | "peakBytes"> = { correct: [], peakBytes: 0 },
  ): AsyncGenerator<Answers> {
    const { haystacks, needles, questionsPerNeedle } = task;
    const correct = [...before.correct];
    let { peakBytes } = before;
    const total = needles * questionsPerNeedle;
    for (let haystack = correct.length; haystack < haystacks; haystack++) {
      const row = await this.#ask(contestant, knobs, task, haystack);
      correct.push(row.answers.filter((answer) => answer.correct).length);
      peakBytes = Math.max(peakBytes, row.peakBytes);
      const { low, high } = clusteredInterval(correct.map((right) => ({ correct: right, total })), {
        agreeing: "haystack",
      });
      const questions = total * correct.length;
      const exact = correct.reduce((sum, right) => sum + right, 0) / questions;
      yield { correct: [...correct], questions, exact, low, high, peakBytes };
    }
  }

  /** Asks about one context. */
  async #ask(contestant: Contestant, knobs: Partial<Knobs>, task: MeasureTask, haystack: number): Promise<DemoRow> {
    const { length, haystacks, needles, questionsPerNeedle, seed, variant } = task;
    const subject = { tokenizer: this.#model.tokenizer, memory: this.#device.memory };
    const counts = { length, haystacks, needles, questionsPerNeedle };
    const about = { method: contestant.label, ...counts, seed, variant, asks: [VARIED] };
    const options = { signal: this.#signal, only: [haystack] };
    const [row] = contestant.method === "bm25"
      ? await runNeedleTask({ ...subject, createSession: () => this.#retrieval(knobs, task) }, about, options)
      : contestant.method === "oracle"
      ? await runNeedleTask(
        { ...subject, createSession: () => new OracleSession(this.#session(contestant, knobs)) },
        about,
        options,
      )
      : await runNeedleTask({ ...subject, createSession: () => this.#session(contestant, knobs) }, about, options);
    return row;
  }

  /** What one context and one answer take; without `perplexity`, which takes longest, that stays null. */
  async costs(
    contestant: Contestant,
    knobs: Partial<Knobs>,
    task: MeasureTask,
    { perplexity: asked = true }: { perplexity?: boolean } = {},
  ): Promise<Costs> {
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
      const secondsPerToken = this.timed ? seconds : null;
      return { attended: session.scope, residentBytes, readBytes: bytes, secondsPerToken, perplexity: null };
    }
    using session = this.#session(contestant, knobs, true);
    const place = context.tokens.length - Math.min(task.judged, Math.floor(task.length / 4));
    await session.append(context.tokens.slice(0, place), { signal: this.#signal });
    session.clearTrace();
    const judged = context.tokens.slice(place);
    const perplexity = asked ? await this.#perplexity(session, judged) : null;
    if (!asked) await session.append(judged, { signal: this.#signal });
    session.clearTrace();
    return { perplexity, ...await this.#answerCosts(session, prompt) };
  }

  /** What an answer takes of a session that has read its context. */
  async #answerCosts(session: Session, prompt: readonly number[]): Promise<Omit<Costs, "perplexity">> {
    const { layers, keyValueHeads, headSize } = this.#model.config;
    const keyBytes = BYTES * layers * keyValueHeads * headSize;
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
      secondsPerToken: this.timed ? seconds / WRITTEN : null,
    };
  }

  /** Perplexity of the last tokens given what the session has read, read one by one, so that none helps to choose for an earlier one. */
  async #perplexity(session: Session, tokens: readonly number[]): Promise<number> {
    const { vocabularySize } = this.#model.config;
    let sum = 0;
    for (let place = 0; place + 1 < tokens.length; place++) {
      const logits = await session.logits([tokens[place]], { signal: this.#signal });
      sum += lossOf(logits, 0, vocabularySize, tokens[place + 1]);
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
