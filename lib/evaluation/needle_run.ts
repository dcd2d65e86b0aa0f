import { askNeedle, type Haystack, makeHaystack, type Needle, questionTokens } from "./needle_grammar.ts";
import type { NeedleProgress, NeedleRunOptions, NeedleTask } from "./needle_options.ts";
import type { NeedleSession, NeedleSubject } from "./needle_session.ts";
import { Random } from "./random.ts";
import type { NeedleAnswer } from "./records.ts";
import { Stopwatch } from "./stopwatch.ts";

/** Needles to ask for, as far apart as their number allows. */
function asked(needles: readonly Needle[], count: number): Needle[] {
  return Array.from({ length: count }, (_, index) => needles[Math.floor((index * needles.length) / count)]);
}

/** Each word has to be one token, or lengths and places would not be what the record says. */
function encodeWords(subject: Pick<NeedleSubject<never>, "encode">, text: string, words: number): readonly number[] {
  const tokens = subject.encode(text);
  if (tokens.length === words) return tokens;
  throw new RangeError(
    `needle task: ${words} words of the toy grammar became ${tokens.length} tokens; its tokenizer must give one token a word`,
  );
}

/** One task under way. */
export class NeedleRun<Session extends NeedleSession<Session>> {
  /** Answers so far. */
  readonly answers: NeedleAnswer[] = [];
  /** Time spent reading contexts. */
  readonly reading: Stopwatch;
  /** Time spent answering. */
  readonly asking: Stopwatch;
  /** Most tokens that any head attended to in a step so far. */
  scope = 0;
  readonly #subject: NeedleSubject<Session>;
  readonly #task: NeedleTask;
  readonly #options: NeedleRunOptions<Session>;
  #done = 0;

  constructor(
    subject: NeedleSubject<Session>,
    task: NeedleTask,
    options: NeedleRunOptions<Session>,
  ) {
    this.#subject = subject;
    this.#task = task;
    this.#options = options;
    const now = options.now ?? (() => performance.now());
    this.reading = new Stopwatch(now);
    this.asking = new Stopwatch(now);
  }

  /** Reads one haystack and asks about it. */
  async haystack(haystack: number): Promise<void> {
    const { length, needles = 8, questionsPerHaystack, seed } = this.#task;
    const tokens = length - questionTokens;
    const context = makeHaystack({ tokens, needles, random: new Random(seed, length, haystack) });
    using session = this.#subject.createSession();
    await this.#read(session, context, haystack);
    for (const [question, needle] of asked(context.needles, questionsPerHaystack).entries()) {
      using fork = session.fork();
      const answer = await this.#ask(fork, context, needle, haystack);
      await this.#options.onAnswer?.({ haystack, question, context, needle, answer, session: fork });
    }
  }

  async #read(session: Session, context: Haystack, haystack: number): Promise<void> {
    const { signal } = this.#options;
    const tokens = encodeWords(this.#subject, context.text, context.words.length);
    const before = this.#done;
    const onProgress = (done: number) => {
      this.#done = before + done;
      this.#report(haystack, "reading");
    };
    onProgress(0);
    signal?.throwIfAborted();
    await this.reading.time(() => session.append(tokens, { onProgress, signal }));
    this.#done = before + tokens.length;
    this.scope = Math.max(this.scope, session.scope);
  }

  async #ask(session: Session, context: Haystack, needle: Needle, haystack: number): Promise<NeedleAnswer> {
    const { signal } = this.#options;
    const { prompt, answer: expected } = askNeedle(needle);
    const answerTokens = needle.values.length;
    const tokens = encodeWords(this.#subject, prompt, questionTokens - answerTokens);
    signal?.throwIfAborted();
    session.markQuestion();
    const said = await this.asking.time(() => session.generate(tokens, { maxTokens: answerTokens, signal }));
    this.scope = Math.max(this.scope, session.scope);
    const answer = this.#subject.decode(said).trim();
    this.#done += questionTokens;
    this.#report(haystack, "asking");
    const depth = needle.tokenIndex / context.words.length;
    const scored = { haystack, name: needle.name, depth, expected, answer, correct: answer === expected };
    this.answers.push(scored);
    return scored;
  }

  #report(haystack: number, phase: NeedleProgress["phase"]): void {
    const { length, haystacks, questionsPerHaystack } = this.#task;
    const total = haystacks * (length - questionTokens + questionsPerHaystack * questionTokens);
    this.#options.onProgress?.({ haystack, phase, done: this.#done, total });
  }
}
