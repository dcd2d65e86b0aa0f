import { type AttendedChange, AttendedEdit, type TokenSpan } from "../../attention/mod.ts";
import { type AnswerProbability, forceAnswer, readToAnswer } from "../session/forced_answer.ts";
import { numbersOf, type TextOrTokens, tokensOf } from "../text/question_tokens.ts";
import type { SequenceReader } from "../session/sequence_reader.ts";

/** Puts one stretch of tokens in another's place. */
export interface SpanSwap {
  /** Tokens that are not attended to. */
  readonly from: TokenSpan;
  /** Tokens that are, at the place that their position in the context gives them. */
  readonly to: TokenSpan;
}

/** What attention is made to look at, whatever was selected. */
export interface Intervention {
  /** Layers where it holds. Default: all. */
  layer?: number | readonly number[];
  /**
   * Query heads where it holds. Heads of a layer share one selection, made by all their votes, so that a head is changed in what
   * its attention sees, not in what it votes for. Default: all.
   */
  head?: number | readonly number[];
  /** Tokens that are attended to. */
  force?: TokenSpan | readonly TokenSpan[];
  /** Tokens that are not; what is forced and forbidden is forbidden. */
  forbid?: TokenSpan | readonly TokenSpan[];
  /** Tokens in other tokens' place. */
  replace?: SpanSwap | readonly SpanSwap[];
}

/** A question and its answer, under which interventions are compared. */
export interface InterventionQuestion {
  /** What is asked. */
  prompt: TextOrTokens;
  /** The answer whose probability is looked at. Default: what the session answers by itself, 16 tokens at most. */
  answer?: TextOrTokens;
  /**
   * Steps in which interventions hold: those that read the prompt but for its last token, those that write the answer (the
   * prompt's last token is the first of them), or both. Default "both".
   */
  during?: "prompt" | "answer" | "both";
  /** Honoured within one step. */
  signal?: AbortSignal;
}

/** What an intervention did to an answer. */
export interface InterventionEffect {
  /** Log-probability of the answer under the intervention, less that without: below 0 where the answer rests on what was taken away. */
  readonly change: number;
  /** The answer's probability without. */
  readonly before: AnswerProbability;
  /** And with the intervention. */
  readonly after: AnswerProbability;
  /** Most tokens that any head attended to under the intervention. */
  readonly scope: number;
  /** Whether that is more than the model was trained with. */
  readonly beyondTrained: boolean;
}

/**
 * Answers a question once as it is and once under each intervention, from the same context each time.
 *
 * @param reader stays as it is
 * @throws {RangeError} for layers, heads or spans that there aren't, or an intervention that changes nothing.
 */
export async function interveneEach(
  reader: SequenceReader,
  question: InterventionQuestion & { readonly answer: TextOrTokens },
  interventions: readonly Intervention[],
): Promise<InterventionEffect[]> {
  const { model } = reader.stepper;
  const prompt = tokensOf(model, "intervene: the prompt", question.prompt);
  const answer = tokensOf(model, "intervene: the answer", question.answer);
  const changes = interventions.map((intervention) => changeOf(reader, intervention, prompt.length));
  const { during = "both", signal } = question;
  using read = reader.fork();
  const lastToken = await readToAnswer(read, prompt, undefined, signal);
  using plain = read.fork();
  const before = await forceAnswer(plain, lastToken, answer, undefined, signal);
  const effects: InterventionEffect[] = [];
  for (const change of changes) {
    using edit = new AttendedEdit(reader.cache.device, change);
    // The prompt is read anew only where the intervention holds in it.
    using fork = during === "answer" ? read.fork() : reader.fork();
    fork.stepper.watch = edit;
    if (during !== "answer") await readToAnswer(fork, prompt, undefined, signal);
    if (during === "prompt") fork.stepper.watch = undefined;
    const after = await forceAnswer(fork, lastToken, answer, undefined, signal);
    if (edit.attentions === 0) throw changesNothing(reader, during);
    const { scope } = fork.stepper;
    effects.push({
      change: after.logProbability - before.logProbability,
      ...{ before, after, scope },
      beyondTrained: scope > model.config.trainedContext,
    });
  }
  return effects;
}

function changesNothing({ stepper: { method } }: SequenceReader, during: string): RangeError {
  return new RangeError(
    `intervene: nothing could be changed: the method ${method.name} does not attend over listed tokens in these layers, or no ` +
      `step falls into during "${during}"`,
  );
}

/** Checks an intervention against the model and the context. */
function changeOf(reader: SequenceReader, intervention: Intervention, promptLength: number): AttendedChange {
  const { layer, head, force, forbid, replace } = intervention;
  const { layers, queryHeads } = reader.stepper.model.config;
  const swaps = listOf(replace);
  const change: AttendedChange = {
    ...(layer !== undefined && { layers: numbersOf("intervene: layer", layer, layers) }),
    ...(head !== undefined && { heads: numbersOf("intervene: head", head, queryHeads) }),
    force: [...listOf(force), ...swaps.map(({ to }) => to)],
    forbid: [...listOf(forbid), ...swaps.map(({ from }) => from)],
  };
  for (const [name, spans] of [["force", change.force!], ["forbid", change.forbid!]] as const) {
    for (const span of spans) checkSpan(name, span, reader.length + promptLength);
  }
  if (change.force!.length + change.forbid!.length === 0) {
    throw new RangeError("intervene: give tokens to force, to forbid or to replace");
  }
  return change;
}

function checkSpan(name: string, { start, end }: TokenSpan, length: number): void {
  if (Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end && end <= length) return;
  throw new RangeError(
    `intervene: ${name}: tokens ${start} to ${end} (exclusive) must be a stretch of the context and prompt, 0 to ${length}`,
  );
}

function listOf<T extends object>(given: T | readonly T[] | undefined): readonly T[] {
  if (given === undefined) return [];
  return Array.isArray(given) ? given : [given as T];
}
