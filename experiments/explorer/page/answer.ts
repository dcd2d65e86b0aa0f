import type { TraceStep } from "../../../lib/attention/mod.ts";
import type { Inspection, Model, Session } from "../../../lib/model/mod.ts";
import type { ExplorerContext } from "./context.ts";
import type { ExplorerCase } from "./explorer_case.ts";

/** Most tokens of an answer. */
const MOST_TOKENS = 32;

/** What a method said. */
export interface Answer {
  /** The method. */
  readonly method: string;
  /** Tokens of the context. */
  readonly contextTokens: number;
  /** The answer up to its first full stop. */
  readonly said: string;
  /** What was expected; empty where that is not known. */
  readonly expected: string;
  /** Whether it is right; undefined where that is not known. */
  readonly right: boolean | undefined;
  /** Most tokens that any head attended to in any step. */
  readonly scope: number;
  /** Whether that was more than the model was trained with. */
  readonly beyondTrained: boolean;
  /** Seconds that reading the context took. */
  readonly seconds: number;
  /** Its tokens up to there, as text. */
  readonly tokens: readonly string[];
  /** Which of them begins the value; 0 where none does. */
  readonly telling: number;
  /** The steps that wrote them; none where the method lists no tokens. */
  readonly steps: readonly WrittenStep[];
  /** Attention weights of all heads in the step that wrote a token, computed again. */
  readonly inspect: (token: number) => Promise<Inspection>;
}

/** A step that wrote a token, and what its positions are. */
export interface WrittenStep extends TraceStep {
  /** First token of the question. */
  readonly questionStart: number;
  /** The text of a stretch of context, question and answer. */
  readonly text: (start: number, end: number) => string;
}

/** How an answer is watched and stopped. */
export interface AnswerOptions {
  /** Called as the context is read. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called with the answer so far, and the step that wrote its last token; the next tokens wait for it. */
  readonly onText?: (said: string, step: WrittenStep | undefined) => Promise<void>;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/** Starts the session of a case: past the trained context too, which is what the page is to show. */
export function startSession(model: Model, { method, knobs }: ExplorerCase): Session {
  return model.createSession({ method, knobs: { ...knobs, allowBeyondTrained: true }, trace: true });
}

/** Reads the context into a fresh session and answers from a fork of it; the session stays as it was after the context. */
export async function answer(
  session: Session,
  context: ExplorerContext,
  { onProgress, onText, signal }: AnswerOptions = {},
): Promise<Answer> {
  const { tokenizer } = session.model;
  const start = performance.now();
  await session.append(context.tokens, { onProgress, signal });
  const seconds = (performance.now() - start) / 1000;
  session.markQuestion();
  const prompt = tokenizer.encode(context.prompt, { addSpecialTokens: false });
  using fork = session.fork();
  const written: number[] = [];
  const stepsSoFar = async (): Promise<WrittenStep[]> => {
    const all = [...context.tokens, ...prompt, ...written];
    const text = (from: number, to: number) => tokenizer.decode(all.slice(from, to));
    const steps = (await fork.readTrace()).filter(({ rows }) => rows === 1);
    return steps.map((step) => ({ ...step, questionStart: context.tokens.length, text }));
  };
  for await (const batch of fork.stream(prompt, { maxTokens: MOST_TOKENS, signal })) {
    written.push(...batch);
    const text = tokenizer.decode(written);
    await onText?.(firstSentence(text), (await stepsSoFar()).at(written.length - 1));
    if (/[.\n]/.test(text)) break;
  }
  const said = firstSentence(tokenizer.decode(written));
  const end = written.findIndex((_, at) => /[.\n]/.test(tokenizer.decode(written.slice(0, at + 1))));
  const tokens = written.slice(0, end < 0 ? written.length : end + 1).map((token) => tokenizer.decode([token]));
  const begins = (at: number) => tokenizer.decode(written.slice(at)).trim().startsWith(context.value);
  return {
    method: session.method.name,
    contextTokens: context.tokens.length,
    said,
    expected: context.expected,
    right: context.expected === "" ? undefined : holds(said, context.expected),
    scope: Math.max(session.scope, fork.scope),
    beyondTrained: session.beyondTrained || fork.beyondTrained,
    seconds,
    tokens,
    telling: context.value === "" ? 0 : Math.max(0, tokens.findIndex((_, at) => begins(at))),
    steps: (await stepsSoFar()).slice(0, tokens.length),
    inspect: (token) => session.inspect(prompt, { answer: written, rows: [prompt.length - 1 + token], signal }),
  };
}

function firstSentence(text: string): string {
  return text.split(/[.\n]/)[0].trim();
}

/** Whether the expected words stand in the answer, each as a whole. */
function holds(said: string, expected: string): boolean {
  const spaced = (text: string) => ` ${(text.match(/[\p{L}\p{N}]+/gu) ?? []).join(" ")} `;
  return spaced(said).includes(spaced(expected));
}
