/** One way to answer a question of speed, such as a tile size. */
export interface KernelOption {
  /** Its name among the question's options. */
  readonly name: string;
  /** Threads of a workgroup that it needs. Default 1. */
  readonly threads?: number;
  /** Workgroup memory that it needs, in bytes. Default 0. */
  readonly workgroupBytes?: number;
}

/** What an adapter grants a workgroup. */
export interface WorkgroupLimits {
  /** Threads. */
  threads: number;
  /** Bytes of shared memory. */
  workgroupBytes: number;
}

/**
 * Which options of kernels an adapter runs fastest, by question, as `deno task tune` measured them. Whatever was not
 * measured, is not known, or does not fit the adapter's limits is left to the caller's default.
 *
 * @example
 * ```ts
 * import { KernelChoices } from "@reattention/toolkit/gpu";
 * import { assertEquals } from "@std/assert";
 *
 * const choices = new KernelChoices({ threads: 256, workgroupBytes: 16384 }, { tile: "large" });
 * const small = { name: "small", threads: 64 };
 * const large = { name: "large", threads: 256 };
 * assertEquals(choices.of("tile", [small, large], small).name, "large");
 * choices.pick("tile", undefined); // back to the caller's default
 * assertEquals(choices.of("tile", [small, large], small).name, "small");
 * assertEquals(choices.fits({ name: "huge", threads: 1024 }), false);
 * ```
 */
export class KernelChoices {
  readonly #limits: WorkgroupLimits;
  readonly #picked = new Map<string, string>();
  readonly #warned = new Set<string>();

  /** `picked` holds an option's name for each question. */
  constructor(limits: WorkgroupLimits, picked: Readonly<Record<string, string>> = {}) {
    this.#limits = limits;
    for (const [question, name] of Object.entries(picked)) this.pick(question, name);
  }

  /** Sets the option for a question, or with undefined leaves it to the default again. */
  pick(question: string, name: string | undefined): void {
    if (name === undefined) this.#picked.delete(question);
    else this.#picked.set(question, name);
  }

  /** Whether an option can run here at all. */
  fits({ threads = 1, workgroupBytes = 0 }: KernelOption): boolean {
    return threads <= this.#limits.threads && workgroupBytes <= this.#limits.workgroupBytes;
  }

  /** The largest power of two that is at most `most` and at most the threads of a workgroup. */
  threads(most: number): number {
    return 2 ** Math.floor(Math.log2(Math.min(most, this.#limits.threads)));
  }

  /** The option picked for a question, or the fallback; says so once where a picked one can't be had. */
  of<T extends KernelOption>(question: string, options: readonly T[], fallback: T): T {
    const name = this.#picked.get(question);
    if (name === undefined) return fallback;
    const option = options.find((each) => each.name === name);
    if (option && this.fits(option)) return option;
    if (!this.#warned.has(question)) {
      this.#warned.add(question);
      const why = option ? "it needs more of a workgroup than this adapter grants" : "there is no such option";
      console.warn(
        `kernel choice ${question} "${name}": ${why}; taking "${fallback.name}". Run \`deno task tune\` again.`,
      );
    }
    return fallback;
  }
}
