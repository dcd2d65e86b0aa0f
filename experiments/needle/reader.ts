import type { Knobs } from "../../lib/attention/mod.ts";
import type { NeedleSession } from "../../lib/evaluation/mod.ts";
import type { AppendOptions, GenerateOptions, Session } from "../../lib/model/mod.ts";

/** A session that reads its context with some knobs and is asked, on forks, with others. */
export class Reader implements NeedleSession<Reader> {
  readonly #session: Session;
  readonly #asking: Partial<Knobs> | undefined;

  /** Takes over the session; forks go on with `asking`, or with the session's own knobs. */
  constructor(session: Session, asking?: Partial<Knobs>) {
    this.#session = session;
    this.#asking = asking;
  }

  /** Most tokens that any head attended to in any step so far. */
  get scope(): number {
    return this.#session.scope;
  }

  /** Reads tokens into the cache. */
  async append(tokens: readonly number[], options?: AppendOptions): Promise<void> {
    await this.#session.append(tokens, options);
  }

  /** A session over the same context that questions are asked of. */
  fork(): Reader {
    return new Reader(this.#session.fork(this.#asking && { knobs: this.#asking }));
  }

  /** Says that the question starts here. */
  markQuestion(): void {
    this.#session.markQuestion();
  }

  /** Continues a prompt. */
  async generate(prompt: readonly number[], options: GenerateOptions): Promise<readonly number[]> {
    return await this.#session.generate(prompt, options);
  }

  /** Gives its memory back. */
  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
  }
}
