import { KeyValueCache, type Knobs, type StorageType, type TraceStep } from "../../lib/attention/mod.ts";
import { askNeedle, makeHaystack, meanOf, questionRoom, Random } from "../../lib/evaluation/mod.ts";
import { methodFor, type Model, SequenceReader, Session } from "../../lib/model/mod.ts";
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

const EXACT = { knobs: {} };
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
  let [correctOfExact, questions] = [0, 0];
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
      using read = new ReadContext(model, options.knobs, context.tokens);
      const written = await writeOn(read, asked[0], options.steps);
      const steps = await stepsOf(read, EXACT, asked[0], written);
      correctOfExact += await rightAnswers(read, EXACT, model, asked);
      for (const [index, way] of approximations.entries()) {
        tallies[index].agreements.push(...agreementBySteps(steps, await stepsOf(read, way, asked[0], written)));
        tallies[index].correct += await rightAnswers(read, way, model, asked);
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
    accuracyOfExact: correctOfExact / questions,
    questions,
    lengths: [...options.lengths],
  }]));
}

/** One context, read once by exact selection for each way to store keys. */
class ReadContext {
  readonly #model: Model;
  readonly #knobs: Partial<Knobs>;
  readonly #tokens: readonly number[];
  readonly #readers = new Map<StorageType, SequenceReader>();

  constructor(model: Model, knobs: Partial<Knobs>, tokens: readonly number[]) {
    this.#model = model;
    this.#knobs = knobs;
    this.#tokens = tokens;
  }

  /** A reader that goes on with an approximation; the caller disposes it. */
  async fork({ knobs, keyType = "f32" }: Omit<Approximation, "name">): Promise<SequenceReader> {
    const fork = (await this.#reader(keyType)).fork(this.#method({ ...this.#knobs, ...knobs }));
    fork.questionStart = fork.length;
    return fork;
  }

  async #reader(keyType: StorageType): Promise<SequenceReader> {
    const known = this.#readers.get(keyType);
    if (known) return known;
    const { device, attentionShape } = this.#model.decoder;
    const cache = new KeyValueCache(device, attentionShape, { keyType, valueType: "f32" });
    const reader = new SequenceReader(this.#model, this.#method(this.#knobs), cache, { trace: true });
    this.#readers.set(keyType, reader);
    await reader.prefill(this.#tokens, {});
    reader.trace!.clear();
    return reader;
  }

  #method(knobs: Partial<Knobs>) {
    return methodFor(this.#model, { method: "reattention", knobs });
  }

  [Symbol.dispose](): void {
    for (const reader of this.#readers.values()) reader[Symbol.dispose]();
  }
}

function askedOf({ tokenizer }: Model, { prompt, answer }: { prompt: string; answer: string }): Asked {
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
  return { prompt: encode(prompt), answer, maxTokens: encode(` ${answer}`).length };
}

/** The answer and what comes after it, so many tokens in all. */
async function writeOn(context: ReadContext, { prompt }: Asked, tokens: number): Promise<number[]> {
  using session = new Session(await context.fork(EXACT));
  return await session.generate(prompt, { maxTokens: tokens, stopTokens: [] });
}

/** Reads a prompt, then given tokens one by one, each a decode step, and tells what these steps attended to. */
async function stepsOf(
  context: ReadContext,
  way: Omit<Approximation, "name">,
  { prompt }: Asked,
  written: readonly number[],
): Promise<TraceStep[]> {
  using reader = await context.fork(way);
  const trace = reader.trace!;
  await reader.prefill(prompt.slice(0, -1), {});
  trace.clear();
  const steps: TraceStep[] = [];
  const tokens = [...prompt.slice(-1), ...written.slice(0, -1)];
  for (const [index, token] of tokens.entries()) {
    await reader.prefill([token], {});
    // A trace keeps its last steps only.
    if ((index + 1) % TRACED && index + 1 < tokens.length) continue;
    steps.push(...await trace.read());
    trace.clear();
  }
  return steps;
}

async function rightAnswers(
  context: ReadContext,
  way: Omit<Approximation, "name">,
  { tokenizer }: Model,
  asked: readonly Asked[],
): Promise<number> {
  let right = 0;
  for (const { prompt, answer, maxTokens } of asked) {
    using session = new Session(await context.fork(way));
    const written = await session.generate(prompt, { maxTokens });
    if (tokenizer.decode(written).trim() === answer) right++;
  }
  return right;
}
