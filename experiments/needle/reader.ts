import type { Knobs } from "../../lib/attention/mod.ts";
import type { NeedleSession } from "../../lib/evaluation/mod.ts";
import type { AppendOptions, GenerateOptions, Model, Session, SessionOptions } from "../../lib/model/mod.ts";

/** Where a session that has read its context goes, or comes from instead of reading. */
export interface SessionFile {
  /** Written after reading. */
  readonly save?: string;
  /** Taken instead of reading. */
  readonly restore?: string;
}

/** What writing a session took. */
export interface Saved {
  /** Seconds, until the file stood there whole. */
  readonly seconds: number;
  /** Bytes of the file. */
  readonly bytes: number;
}

/** A session that reads its context with some knobs and is asked, on forks, with others. */
export class Reader implements NeedleSession<Reader> {
  #session: Session;
  readonly #asking: Partial<Knobs> | undefined;
  readonly #restored: ((options: AppendOptions) => Promise<Session>) | undefined;
  readonly #save: string | undefined;
  readonly #onSaved: ((saved: Saved) => void) | undefined;

  private constructor(
    session: Session,
    asking?: Partial<Knobs>,
    { restored, save, onSaved }: {
      restored?: (options: AppendOptions) => Promise<Session>;
      save?: string;
      onSaved?: (saved: Saved) => void;
    } = {},
  ) {
    this.#session = session;
    this.#asking = asking;
    this.#restored = restored;
    this.#save = save;
    this.#onSaved = onSaved;
  }

  /** An empty session; forks of it go on with `asking`, or with the session's own knobs. */
  static create(
    model: Model,
    options: SessionOptions,
    asking?: Partial<Knobs>,
    { save, restore, onSaved }: SessionFile & { onSaved?: (saved: Saved) => void } = {},
  ): Reader {
    const restored = restore === undefined ? undefined : ({ signal }: AppendOptions) => {
      return model.restore(restore, { ...options, signal });
    };
    return new Reader(model.createSession(options), asking, { restored, save, onSaved });
  }

  /** Most tokens that any head attended to in any step so far. */
  get scope(): number {
    return this.#session.scope;
  }

  /**
   * Reads tokens into the cache, or takes them from a file.
   *
   * @throws {Error} where the file holds other tokens.
   */
  async append(tokens: readonly number[], options: AppendOptions = {}): Promise<void> {
    if (this.#restored) {
      const restored = await this.#restored(options);
      this.#session[Symbol.dispose]();
      this.#session = restored;
      const held = restored.tokens;
      const place = tokens.findIndex((token, index) => token !== held[index]);
      if (place >= 0 || held.length !== tokens.length) {
        const differ = place < 0 ? `${held.length} tokens instead of ${tokens.length}` : `another token at ${place}`;
        throw new Error(
          `--restore: the file holds another haystack (${differ}); give the same length, seed and questions`,
        );
      }
    } else {
      await this.#session.append(tokens, options);
    }
    if (this.#save !== undefined) await this.#write(this.#save, options.signal);
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

  async #write(path: string, signal: AbortSignal | undefined): Promise<void> {
    const start = performance.now();
    await this.#session.save(path, { signal });
    this.#onSaved?.({ seconds: (performance.now() - start) / 1000, bytes: (await Deno.stat(path)).size });
  }

  /** Gives its memory back. */
  [Symbol.dispose](): void {
    this.#session[Symbol.dispose]();
  }
}
