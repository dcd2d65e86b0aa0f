import * as z from "../../zod.ts";
import type { Knobs } from "../../attention/mod.ts";
import { fileExists, readText, removeFile, withFileLock, writeAside } from "../../platform.ts";
import { digestOf, prefillKeyOf, type Trial } from "./trial.ts";
import type { ReadContext, TrialSession } from "./trial_session.ts";

/** What is needed to keep readings. */
export interface KeptReadingsOptions {
  /** Where they are kept; best a disk of the node's own. */
  readonly folder: string;
  /** What else than the trial decides what is read: the model's fingerprint, the adapter. */
  readonly identity: readonly string[];
  /** Opens a saved session. */
  readonly restore: (path: string, options: { trace: boolean }) => Promise<TrialSession>;
}

const aboutSchema = z.object({ seconds: z.number(), peakBytes: z.number(), knobs: z.record(z.string(), z.unknown()) });

/**
 * Readings on a disk, for all processes of a machine: each context is read by the first that needs it, and restored by
 * the others.
 *
 * @example
 * ```ts
 * import { Device, loadModel } from "@reattention/toolkit";
 * import { KeptReadings, parseSweepSpec, planSweep } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const folder = await Deno.makeTempDir();
 * const restore = (path: string, options: { trace: boolean }) => model.restore(path, options);
 * const readings = new KeptReadings({ folder, identity: ["demo"], restore });
 * const { trials: [trial] } = await planSweep(parseSweepSpec({ seeds: [0] }));
 * const read = async () => {
 *   const session = model.createSession(trial);
 *   await session.append(model.tokenizer.encode("It rained all day."));
 *   return { session, seconds: 1, peakBytes: 0, knobs: trial.knobs };
 * };
 * for (const before of [false, true]) {
 *   const { session, kept } = await readings.obtain(trial, false, read);
 *   session[Symbol.dispose]();
 *   assertEquals(kept, before);
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class KeptReadings {
  readonly #options: KeptReadingsOptions;

  /** Readings in a folder. */
  constructor(options: KeptReadingsOptions) {
    this.#options = options;
  }

  /**
   * A trial's context: from the disk, or else read and kept there. Who comes while another reads it waits for that one. Where
   * the disk is full or a file damaged, it is read as if none were kept.
   *
   * @returns with `kept`: whether it came from the disk
   */
  async obtain(
    trial: Trial,
    trace: boolean,
    read: () => Promise<ReadContext>,
  ): Promise<ReadContext & { readonly kept: boolean }> {
    const { folder, identity } = this.#options;
    const path = `${folder}/${await digestOf([prefillKeyOf(trial), ...identity])}`;
    return await withFileLock(`${path}.lock`, async () => {
      const restored = await this.#restored(path, trace);
      if (restored) return { ...restored, kept: true };
      const fresh = await read();
      await keep(path, fresh);
      return { ...fresh, kept: false };
    });
  }

  async #restored(path: string, trace: boolean): Promise<ReadContext | undefined> {
    if (!await fileExists(`${path}.json`)) return undefined;
    try {
      const about = aboutSchema.parse(JSON.parse(await readText(`${path}.json`)));
      const session = await this.#options.restore(`${path}.session`, { trace });
      return { ...about, knobs: about.knobs as unknown as Knobs, session };
    } catch {
      await removeFile(`${path}.json`);
      return undefined;
    }
  }
}

/** The facts last: a session that has them is whole. What can't be kept is read again by whoever needs it. */
async function keep(path: string, { session, seconds, peakBytes, knobs }: ReadContext): Promise<void> {
  try {
    await session.save?.(`${path}.session`);
    if (session.save) await writeAside(`${path}.json`, JSON.stringify({ seconds, peakBytes, knobs }));
  } catch {
    await removeFile(`${path}.session`);
  }
}
