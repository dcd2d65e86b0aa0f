import type { MethodName, TraceStep } from "../../lib/attention/mod.ts";
// By their own files: the explorer's page carries this one, and all of lib/evaluation would be much more than it needs.
import { questionRoom } from "../../lib/evaluation/needle/context.ts";
import type { Prose, TextTokenizer } from "../../lib/evaluation/needle/prose.ts";
import { Random } from "../../lib/evaluation/random.ts";
import type { DemoModel, DemoPicture, DemoSession } from "./run.ts";

/** A person's own text, with a sentence to hide in it and a question about that. */
export interface OwnText {
  /** The text, in the model's tokens. */
  prose: Prose;
  /** The sentence to hide. */
  needle: string;
  /** The question. */
  question: string;
  /** What the answer has to hold. */
  answer: string;
}

/** What one method said about it. */
export interface OwnAnswer {
  /** The method. */
  method: MethodName;
  /** Tokens of the context, the question and the room for an answer. */
  length: number;
  /** What the model answered, up to the first full stop. */
  said: string;
  /** Whether the expected words are in it. */
  right: boolean;
  /** Most tokens that any head attended to. */
  scope: number;
  /** Time to read the context. */
  seconds: number;
  /** What the layers attended to, for a method that selects. */
  picture?: DemoPicture;
}

/** Needles and questions that the embedded model can answer. */
export const KNOWN_FORMS: readonly (readonly [needle: string, question: string])[] = [
  ["The secret code of Zena is 482 913.", "What is the secret code of Zena?"],
  ["Zena's phone number is 482913.", "Which phone number does Zena have?"],
  ["Zena Hart was given the gate code 482 913.", "What is Zena Hart's gate code?"],
  ["The garden word for Zena is harbour.", "What is the garden word of Zena?"],
  ["Let Zena = 482 913.", "What is Zena?"],
];

/** Tokens of the text that are read around the needle for the first, short question. */
const TRAINED = 512;

/** The last run of the needle's words that don't stand in the question: values stand at the end, as a rule. */
export function expectedAnswer(needle: string, question: string): string {
  const asked = new Set(wordsOf(question.toLowerCase()));
  let last: string[] = [];
  let running = false;
  for (const word of wordsOf(needle)) {
    // "is" and the like carry nothing.
    const kept = !asked.has(word.toLowerCase()) && !/^(is|was|are|the|a|an|has|of|for|s)$/i.test(word);
    if (kept) last = running ? [...last, word] : [word];
    running = kept;
  }
  return last.join(" ");
}

/** Hides the needle behind a sentence near the middle of the first `count` tokens of the text. */
export function hideOwn(
  tokenizer: TextTokenizer,
  prose: Prose,
  needle: string,
  count: number,
): { tokens: number[]; needle: { start: number; end: number } } {
  const hidden = tokenizer.encode(` ${needle.trim()}`, { addSpecialTokens: false });
  const opening = tokenizer.encode("");
  const hay = [...opening, ...prose.stretch(0, Math.min(count, prose.tokens.length))];
  const middle = Math.floor(hay.length / 2);
  const start = prose.placeBetween(hay, Math.max(opening.length, middle - 64), middle + 1, new Random(1));
  return {
    tokens: hay.slice(0, start).concat(hidden, hay.slice(start)),
    needle: { start, end: start + hidden.length },
  };
}

/** Asks at 512 tokens with full attention, and where that is right with each method over the whole text. */
export async function askOwnText(
  model: DemoModel,
  own: OwnText,
  methods: readonly MethodName[],
  { signal, onAnswer, onProgress }: {
    signal?: AbortSignal;
    onAnswer?: (answer: OwnAnswer) => void;
    onProgress?: (method: MethodName, done: number, total: number) => void;
  } = {},
): Promise<{ answers: OwnAnswer[]; known: boolean }> {
  const { tokenizer } = model;
  const needleTokens = tokenizer.encode(` ${own.needle}`).length;
  const answers: OwnAnswer[] = [];
  const ask = async (method: MethodName, count: number) => {
    const answer = await askOne(model, own, { method, count }, signal, onProgress);
    answers.push(answer);
    onAnswer?.(answer);
    return answer;
  };
  const first = await ask("full", Math.max(1, TRAINED - questionRoom - needleTokens));
  if (first.right) { for (const method of methods) await ask(method, own.prose.tokens.length); }
  return { answers, known: first.right };
}

interface OneAsk {
  readonly method: MethodName;
  readonly count: number;
}

async function askOne(
  model: DemoModel,
  { prose, needle, question, answer: expected }: OwnText,
  { method, count }: OneAsk,
  signal: AbortSignal | undefined,
  onProgress: ((method: MethodName, done: number, total: number) => void) | undefined,
): Promise<OwnAnswer> {
  const { tokenizer } = model;
  const hidden = hideOwn(tokenizer, prose, needle, count);
  const length = hidden.tokens.length + questionRoom;
  const knobs = method === "full" && length > TRAINED ? { allowBeyondTrained: true } : {};
  using session = model.createSession({ method, knobs, trace: method === "reattention-window" });
  const start = performance.now();
  await session.append(hidden.tokens, { signal, onProgress: (done, total) => onProgress?.(method, done, total) });
  const seconds = (performance.now() - start) / 1000;
  session.markQuestion();
  const prompt = /^\s*Question:/.test(question) ? ` ${question.trim()}` : ` Question: ${question.trim()} Answer:`;
  const asked = tokenizer.encode(prompt, { addSpecialTokens: false });
  const written = await session.generate(asked, { maxTokens: questionRoom - 32, signal });
  const said = tokenizer.decode(written).split(/[.\n]/)[0].trim();
  const right = spaced(said).includes(spaced(expected));
  const answer: OwnAnswer = { method, length, said, right, scope: session.scope, seconds };
  const step = await valueStep(session, tokenizer, written, expected);
  if (!step) return answer;
  const all = [...hidden.tokens, ...asked, ...written];
  const depth = hidden.needle.start / hidden.tokens.length;
  return {
    ...answer,
    picture: {
      method,
      length,
      cached: step.length,
      prompt: prompt.trim(),
      answer: { haystack: 0, name: needle, depth, expected, answer: said, correct: right },
      needle: hidden.needle,
      questionStart: hidden.tokens.length,
      text: (from, to) => tokenizer.decode(all.slice(from, to)).trim(),
      layers: step.layers,
    },
  };
}

/** Runs of letters and digits. */
function wordsOf(text: string): string[] {
  return text.match(/[\p{L}\p{N}]+/gu) ?? [];
}

/** The words with blanks around, so that one text's words are looked for in another's as a whole. */
function spaced(text: string): string {
  return ` ${wordsOf(text).join(" ")} `;
}

/**
 * The step that wrote the value's first token; undefined where nothing was traced. Each step of one token writes the next:
 * the question's last token writes the answer's first.
 */
async function valueStep(
  session: DemoSession,
  tokenizer: TextTokenizer,
  written: readonly number[],
  expected: string,
): Promise<TraceStep | undefined> {
  const value = written.findIndex((_, index) => tokenizer.decode(written.slice(index)).trim().startsWith(expected));
  return (await session.readTrace()).filter(({ rows }) => rows === 1).at(Math.max(0, value));
}
