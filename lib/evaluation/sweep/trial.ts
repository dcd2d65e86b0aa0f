import { createMethod, type Knobs, type MethodName, resolveKnobs } from "../../attention/mod.ts";
import type { AxisValue } from "./axis.ts";

/** One setting on one seed: the unit that runs, is recorded, and is never run twice. */
export interface Trial {
  /** Names all that the trial's result depends on: 16 hexadecimal digits of a digest. */
  readonly id: string;
  /** The same for its setting, which trials of other seeds share. */
  readonly setting: string;
  /** What tells its setting from others of the sweep: values of axes. */
  readonly axes: Readonly<Record<string, AxisValue>>;
  /** The model. */
  readonly model: string;
  /** The task's name. */
  readonly task: string;
  /** The task's options, complete. */
  readonly parameters: Readonly<Record<string, AxisValue>>;
  /** The method. */
  readonly method: MethodName;
  /** Tokens of the context with one question and its answer. */
  readonly length: number;
  /** Names the context. */
  readonly seed: number;
  /** All knobs; whether they can be is found out when the trial runs. */
  readonly knobs: Readonly<Knobs>;
}

/** A trial before it has its names. */
export type TrialContents = Omit<Trial, "id" | "setting">;

/** JSON with the names of objects in order: equal values give equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => a < b ? -1 : 1));
  });
}

/** The first 16 hexadecimal digits of a value's SHA-256. */
export async function digestOf(value: unknown): Promise<string> {
  const bytes = new TextEncoder().encode(canonicalJson(value));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Gives a trial its names. */
export async function nameTrial(contents: TrialContents): Promise<Trial> {
  const { axes: _, seed, ...rest } = contents;
  return { ...contents, id: await digestOf({ ...rest, seed }), setting: await digestOf(rest) };
}

/** Stands in for a model's shape: what reading depends on doesn't depend on it. */
const ANY_SHAPE = { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 8 };

/**
 * Trials of one key read the same context in the same way, so that one reading serves them all.
 *
 * @example
 * ```ts
 * import { parseSweepSpec, planSweep, prefillKeyOf } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const sweep = { recallClip: [0, 7] };
 * const { trials } = await planSweep(parseSweepSpec({ methods: ["reattention-window"], sweep, seeds: [1, 2] }));
 * // Selecting has no part in reading: both values share the reading of each seed's context.
 * assertEquals([trials.length, new Set(trials.map(prefillKeyOf)).size], [4, 2]);
 * ```
 */
export function prefillKeyOf({ model, task, parameters, method, length, seed, knobs }: Trial): string {
  let reading: unknown;
  try {
    const made = createMethod(method, resolveKnobs(knobs), ANY_SHAPE);
    reading = made.prefillKey?.() ?? [method, knobs];
  } catch {
    // Knobs that can't be: the trial fails by itself.
    reading = [method, knobs];
  }
  return canonicalJson({ model, task, parameters, length, seed, reading });
}

/**
 * A setting in words, such as "k 8, chunkSize 64".
 *
 * @example
 * ```ts
 * import { settingLabel } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(settingLabel({ k: 8, chunkSize: 64 }), "k 8, chunkSize 64");
 * ```
 */
export function settingLabel(axes: Readonly<Record<string, AxisValue>>): string {
  const words = Object.entries(axes).map(([name, value]) => `${name.replace(/^task\./, "")} ${value}`);
  return words.join(", ") || "the one setting";
}
