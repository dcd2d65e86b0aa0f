import type { StorageType } from "../../attention/mod.ts";
import type { WeightType } from "../weights/decoder_weights.ts";
import type { TimeEstimate } from "./estimate.ts";
import { gibibytes, grouped } from "./words.ts";

/** Bytes of a run in one tier of memory, by what they are for. */
export interface TierBytes {
  /** Where: the adapter's memory (a software adapter's is the machine's RAM), the host's, or a file on its disk. */
  readonly tier: "gpu" | "host" | "file";
  /** Model weights. */
  readonly weights: number;
  /** Keys of all tokens. */
  readonly keys: number;
  /** Values of all tokens. */
  readonly values: number;
  /** Recorded selections, page table, rotary angles, what a method keeps of the tokens. */
  readonly metadata: number;
  /** What one step needs on top and gives back. */
  readonly scratch: number;
  /** Most bytes at once. */
  readonly total: number;
  /** Bytes that there are. */
  readonly room: number;
}

/** Another way to run, and what it would take. */
export interface PlanChange {
  /** What to change, in words. */
  readonly change: string;
  /** Most bytes at once on the GPU then. */
  readonly total: number;
}

/** What a run will take, told before it. */
export interface PlannedRun {
  /** The method. */
  readonly method: string;
  /** Tokens of the context. */
  readonly length: number;
  /** Tokens of the answer. */
  readonly answer: number;
  /** How things are stored. */
  readonly storage: { readonly weights: WeightType; readonly keys: StorageType; readonly values: StorageType };
  /** The adapter's name. */
  readonly adapter: string;
  /** Bytes by tier. */
  readonly tiers: readonly TierBytes[];
  /** Whether it can run here. */
  readonly fits: boolean;
  /** Why not; empty where it fits. */
  readonly reasons: readonly string[];
  /** Changes after which it would fit, the least first; empty where it fits. */
  readonly changes: readonly PlanChange[];
  /** How long it will take, where that was asked for. */
  readonly time?: TimeEstimate;
}

/**
 * A plan as text, for people.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { configOfShape, describePlan, planRun } from "@reattention/toolkit/model";
 * import { assertMatch } from "@std/assert";
 *
 * using device = await Device.open();
 * const plan = await planRun({ device, config: configOfShape("llama-3.1-8b"), length: 1000, method: "full" });
 * assertMatch(describePlan(plan), /^full, 1,000 tokens and an answer of 64, on /);
 * ```
 */
export function describePlan(plan: PlannedRun): string {
  const { method, length, answer, storage, adapter, tiers, fits, reasons, changes, time } = plan;
  const columns = ["weights", "keys", "values", "metadata", "scratch", "total", "room"] as const;
  const cells = tiers.map((tier) => [tier.tier, ...columns.map((name) => gibibytes(tier[name]))]);
  const table = [["tier", ...columns], ...cells];
  const widths = table[0].map((_, column) => Math.max(...table.map((row) => row[column].length)));
  return [
    `${method}, ${grouped(length)} tokens and an answer of ${grouped(answer)}, on ${adapter}`,
    `stored: weights ${storage.weights}, keys ${storage.keys}, values ${storage.values}`,
    "",
    ...table.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join("  ")),
    "",
    fits ? "It fits." : `It does not fit: ${reasons.join("; ")}.`,
    ...(fits ? [] : changes.length === 0 ? ["No single change makes it fit."] : ["It would fit with:"]),
    ...changes.map(({ change, total }) => `  ${change} (${gibibytes(total)} in all)`),
    ...(time ? ["", time.text] : []),
  ].join("\n");
}
