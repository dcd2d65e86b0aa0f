import type { Tensor } from "../../tensor/mod.ts";
import type { Knobs } from "../knobs/knobs.ts";
import type { AttentionMethod, MethodName } from "../method.ts";
import type { AttentionStep, StepLayout, StepShape } from "../step.ts";

/**
 * What methods share that attend to every token and change only where tokens seem to stand.
 *
 * @example
 * ```ts
 * import { AllTokens, createMethod, presets } from "@reattention/toolkit/attention";
 * import { assertEquals, assertInstanceOf } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const method = createMethod("yarn", presets.demo, shape);
 * const step = { length: 1000, rows: 1, phase: "decode", first: false, questionStart: undefined } as const;
 * assertInstanceOf(method, AllTokens);
 * assertEquals(method.layout(step), { mode: "full", leading: 1000, windowStart: 1000 });
 * ```
 */
export abstract class AllTokens implements AttentionMethod {
  /** The name that tables and figures show. */
  readonly name: MethodName;
  /** `chunkSize`, `allowBeyondTrained` and the method's own matter here. */
  readonly knobs: Readonly<Knobs>;
  /** What stays in the cache as the context grows, in words. */
  readonly cacheGrowth: string = "every token stays, and every token is attended to";

  /** `knobs` are complete. */
  constructor(name: MethodName, knobs: Readonly<Knobs>) {
    this.name = name;
    this.knobs = { ...knobs, positions: "original" };
  }

  /** All tokens. */
  layout(step: StepShape): StepLayout {
    return { mode: "full", leading: step.length, windowStart: step.length };
  }

  /** The length itself. */
  scopeBound(step: StepShape): number {
    return step.length;
  }

  /** Attends in one layer. */
  abstract attend(step: AttentionStep, layer: number, queries: Tensor): Tensor;
}
