import { Random } from "../random.ts";
import type { NeedleAnswer } from "../records.ts";
import { Stopwatch } from "../stopwatch.ts";
import { makeContext, questionRoom } from "./context.ts";
import type { Haystack, Needle } from "./haystack.ts";
import type { AskStyle, NeedleProgress, NeedleRunOptions, NeedleTask } from "./options.ts";
import { askNeedle, type NeedleQuestion } from "./question.ts";
import type { NeedleSession, NeedleSubject } from "./session.ts";

/** How needles are asked for where a task doesn't say. */
export const plainAsk: AskStyle = { wording: "plain", opening: true };

/** One task under way. */
export class NeedleRun<Session extends NeedleSession<Session>> {
  /** Answers so far, by way of asking. */
  readonly answers: NeedleAnswer[][] = [];
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
    const context = await this.#context(haystack);
    using session = this.#subject.createSession();
    await this.#read(session, context, haystack);
    const { asks = [plainAsk], questionsPerNeedle = 1 } = this.#task;
    for (const [way, style] of asks.entries()) {
      for (let question = 0; question < context.needles.length * questionsPerNeedle; question++) {
        const needle = context.needles[Math.floor(question / questionsPerNeedle)];
        // One needle's questions differ, and so do those of a haystack's needles and of haystacks where each is asked once.
        const turn = haystack * context.needles.length * questionsPerNeedle + question;
        const asked = askNeedle(needle, { ...style, variant: context.variant, turn });
        using fork = session.fork();
        const answer = await this.#ask(fork, context, needle, haystack, asked);
        (this.answers[way] ??= []).push(answer);
        const { prompt } = asked;
        await this.#options.onAnswer?.({ haystack, way, question, context, needle, prompt, answer, session: fork });
      }
    }
  }

  /** Haystacks of one task start evenly apart in the text, the first at its beginning; the seed draws what is hidden where. */
  async #context(haystack: number): Promise<Haystack> {
    const { length, haystacks, needles, variant, seed } = this.#task;
    const { tokenizer } = this.#subject;
    const start = haystack / haystacks;
    return await makeContext({
      tokenizer,
      length,
      needles,
      variant,
      start,
      random: new Random(seed, length, haystack),
    });
  }

  async #read(session: Session, context: Haystack, haystack: number): Promise<void> {
    const { signal } = this.#options;
    const { tokens } = context;
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

  async #ask(
    session: Session,
    context: Haystack,
    needle: Needle,
    haystack: number,
    { prompt, answer: expected }: NeedleQuestion,
  ): Promise<NeedleAnswer> {
    const { signal } = this.#options;
    const { tokenizer } = this.#subject;
    const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
    const maxTokens = encode(` ${expected}`).length;
    signal?.throwIfAborted();
    session.markQuestion();
    const said = await this.asking.time(() => session.generate(encode(prompt), { maxTokens, signal }));
    this.scope = Math.max(this.scope, session.scope);
    const answer = tokenizer.decode(said).trim();
    this.#done += questionRoom;
    this.#report(haystack, "asking");
    const depth = needle.tokenIndex / context.tokens.length;
    return { haystack, name: needle.name, depth, expected, answer, correct: answer === expected };
  }

  #report(haystack: number, phase: NeedleProgress["phase"]): void {
    const { length, haystacks, needles = 4, questionsPerNeedle = 1, asks = [plainAsk] } = this.#task;
    const questions = needles * questionsPerNeedle * asks.length;
    const total = haystacks * (length - questionRoom + questions * questionRoom);
    this.#options.onProgress?.({ haystack, phase, done: this.#done, total });
  }
}
