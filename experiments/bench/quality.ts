import type { Knobs, StorageType, TraceStep } from "../../lib/attention/mod.ts";
import { askNeedle, makeHaystack, meanOf, questionRoom, Random } from "../../lib/evaluation/mod.ts";
import type { Model, Session } from "../../lib/model/mod.ts";
import { agreementBySteps } from "./agreement.ts";
import type { Approximation } from "./approximations.ts";
import type { Quality } from "./row.ts";

/** On what approximations are measured. */
export interface QualityOptions {
  /** Its name in the record. */
  readonly modelName: string;
  /** What differs from the model's preset in exact selection and approximations alike. */
  readonly knobs: Partial<Knobs>;
  /** Tokens of contexts, questions and answers included. */
  readonly lengths: readonly number[];
  /** Contexts of each length. */
  readonly haystacks: number;
  /** Needles in each, every one of them asked for. */
  readonly needles: number;
  /** Decode steps of each context's first question whose selections are compared. */
  readonly steps: number;
  /** Draws contexts. */
  readonly seed: number;
}

/** What the benchmark measures: 24 questions, and 64 steps of six of them; on a software adapter 12 questions, and 64 steps of three. */
export function usualQuality(software: boolean): Omit<QualityOptions, "knobs" | "modelName"> {
  return { lengths: [2048, 4096, 8192], haystacks: software ? 1 : 2, needles: 4, steps: 64, seed: 1 };
}

/** Steps after which a trace is read. */
const TRACED = 32;

/** What one way of decoding came to. */
interface Tally {
  readonly agreements: number[];
  correct: number;
}

/** A question, as tokens. */
interface Asked {
  readonly prompt: readonly number[];
  readonly answer: string;
  readonly maxTokens: number;
}

/**
 * Asks for needles with exact selection and with each approximation, and compares what they attend to in the same decode steps: those of the
 * answer that exact selection writes, and of what it writes on.
 *
 * Answers hold the whole sentence, ` The secret code of Zena is 482 913`, so that tokens picked in an answer's first step have to do for
 * those after it.
 */
export async function measureQuality(
  model: Model,
  approximations: readonly Approximation[],
  options: QualityOptions,
): Promise<Map<Approximation, Quality>> {
  const tallies = approximations.map((): Tally => ({ agreements: [], correct: 0 }));
  const exact: Tally = { agreements: [], correct: 0 };
  let questions = 0;
  for (const length of options.lengths) {
    for (let haystack = 0; haystack < options.haystacks; haystack++) {
      const context = await makeHaystack({
        tokenizer: model.tokenizer,
        tokens: length - questionRoom,
        clear: Math.min(512, Math.floor(length / 4)),
        needles: options.needles,
        random: new Random(options.seed, length, haystack),
      });
      const asked = context.needles.map((needle) => askedOf(model, askNeedle(needle, { opening: false })));
      using sessions = new Sessions(model, options.knobs);
      const read = await sessions.read(undefined, context.tokens);
      const written = await writeOn(read, asked[0], options.steps);
      const steps = await stepsOf(read, options.knobs, asked[0], written);
      exact.correct += await rightAnswers(read, options.knobs, asked);
      for (const [index, { knobs, keyType }] of approximations.entries()) {
        const session = await sessions.read(keyType, context.tokens);
        const own = { ...options.knobs, ...knobs };
        const found = await stepsOf(session, own, asked[0], written);
        tallies[index].agreements.push(...agreementBySteps(steps, found));
        tallies[index].correct += await rightAnswers(session, own, asked);
      }
      questions += asked.length;
    }
  }
  return new Map(tallies.map(({ agreements, correct }, index) => [approximations[index], {
    model: options.modelName,
    agreement: meanOf(agreements),
    leastAgreement: Math.min(...agreements),
    steps: agreements.length,
    accuracy: correct / questions,
    accuracyOfExact: exact.correct / questions,
    questions,
    lengths: [...options.lengths],
  }]));
}

/** One context, read once for each way to store keys. */
class Sessions {
  readonly #model: Model;
  readonly #knobs: Partial<Knobs>;
  readonly #read = new Map<StorageType, Session>();

  constructor(model: Model, knobs: Partial<Knobs>) {
    this.#model = model;
    this.#knobs = knobs;
  }

  async read(keyType: StorageType = "f32", tokens: readonly number[]): Promise<Session> {
    const known = this.#read.get(keyType);
    if (known) return known;
    const cache = { keyType, valueType: "f32" } as const;
    const session = this.#model.createSession({ method: "reattention", knobs: this.#knobs, cache, trace: true });
    this.#read.set(keyType, session);
    await session.append(tokens);
    return session;
  }

  [Symbol.dispose](): void {
    for (const session of this.#read.values()) session[Symbol.dispose]();
  }
}

function askedOf({ tokenizer }: Model, { prompt, answer }: { prompt: string; answer: string }): Asked {
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
  return { prompt: encode(prompt), answer, maxTokens: encode(` ${answer}`).length };
}

/** The answer and what comes after it, so many tokens in all. */
async function writeOn(session: Session, { prompt }: Asked, tokens: number): Promise<number[]> {
  using fork = session.fork();
  fork.markQuestion();
  return await fork.generate(prompt, { maxTokens: tokens, stopTokens: [] });
}

/** Reads a prompt, then given tokens one by one, each a decode step, and tells what these steps attended to. */
async function stepsOf(
  session: Session,
  knobs: Partial<Knobs>,
  { prompt }: Asked,
  written: readonly number[],
): Promise<TraceStep[]> {
  using fork = session.fork({ knobs });
  fork.markQuestion();
  await fork.append(prompt.slice(0, -1));
  const steps: TraceStep[] = [];
  fork.clearTrace();
  const tokens = [...prompt.slice(-1), ...written.slice(0, -1)];
  for (const [index, token] of tokens.entries()) {
    await fork.append([token]);
    // A trace keeps its last steps only.
    if ((index + 1) % TRACED && index + 1 < tokens.length) continue;
    steps.push(...await fork.readTrace());
    fork.clearTrace();
  }
  return steps;
}

async function rightAnswers(session: Session, knobs: Partial<Knobs>, asked: readonly Asked[]): Promise<number> {
  let right = 0;
  for (const { prompt, answer, maxTokens } of asked) {
    using fork = session.fork({ knobs });
    fork.markQuestion();
    const written = await fork.generate(prompt, { maxTokens });
    if (session.model.tokenizer.decode(written).trim() === answer) right++;
  }
  return right;
}
