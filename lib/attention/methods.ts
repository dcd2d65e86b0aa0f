import { DualChunk } from "./methods/dual_chunk.ts";
import { DynamicNtk } from "./methods/dynamic_ntk.ts";
import { FullAttention } from "./methods/full.ts";
import { H2o } from "./methods/h2o.ts";
import { InfLlm } from "./methods/infllm.ts";
import type { Knobs } from "./knobs/knobs.ts";
import { LinearInterpolation } from "./methods/linear_interpolation.ts";
import { LmInfinite } from "./methods/lm_infinite.ts";
import { LongHeads } from "./methods/long_heads.ts";
import type { AttentionMethod, MethodName } from "./method.ts";
import { OracleSpans } from "./methods/oracle_spans.ts";
import { ownKnobs } from "./knobs/own_knobs.ts";
import { Quest } from "./methods/quest.ts";
import { RandomSpans } from "./methods/random_spans.ts";
import { ReAttention } from "./methods/reattention.ts";
import { ReRope } from "./methods/rerope.ts";
import { SelfExtend } from "./methods/self_extend.ts";
import type { AttentionShape } from "./shape.ts";
import { SlidingWindow } from "./methods/sliding_window.ts";
import { SnapKv } from "./methods/snap_kv.ts";
import { StreamingAttention } from "./methods/streaming.ts";
import { TokenSelect } from "./methods/token_select.ts";
import { Yarn } from "./methods/yarn.ts";

/** Makes a method; `knobs` are complete. */
export type MethodMaker = (knobs: Readonly<Knobs>, shape: AttentionShape) => AttentionMethod;

/** Makes a method that has no knobs of its own. */
function plain(name: MethodName, make: MethodMaker): MethodMaker {
  return (knobs, shape) => {
    ownKnobs(name, {}, knobs);
    return make(knobs, shape);
  };
}

const makers: Readonly<Record<MethodName, MethodMaker>> = {
  "full": plain("full", (knobs) => new FullAttention(knobs)),
  "window": plain("window", (knobs) => new SlidingWindow(knobs)),
  "streaming": plain("streaming", (knobs) => new StreamingAttention(knobs)),
  "lm-infinite": plain("lm-infinite", (knobs) => new LmInfinite(knobs)),
  "linear": (knobs) => new LinearInterpolation(knobs),
  "ntk": (knobs, shape) => new DynamicNtk(knobs, shape),
  "yarn": (knobs, shape) => new Yarn(knobs, shape),
  "self-extend": (knobs, shape) => new SelfExtend(knobs, shape),
  "rerope": (knobs, shape) => new ReRope("rerope", knobs, shape),
  "leaky-rerope": (knobs, shape) => new ReRope("leaky-rerope", knobs, shape),
  "dual-chunk": (knobs, shape) => new DualChunk(knobs, shape),
  "infllm": (knobs, shape) => new InfLlm(knobs, shape),
  "quest": (knobs) => new Quest("quest", knobs),
  "quest-compact": (knobs) => new Quest("quest-compact", knobs),
  "h2o": (knobs) => new H2o("h2o", knobs),
  "h2o-compact": (knobs) => new H2o("h2o-compact", knobs),
  "snapkv": (knobs) => new SnapKv("snapkv", knobs),
  "snapkv-compact": (knobs) => new SnapKv("snapkv-compact", knobs),
  "token-select": (knobs) => new TokenSelect(knobs),
  "long-heads": (knobs, shape) => new LongHeads(knobs, shape),
  "reattention": plain("reattention", (knobs, shape) => new ReAttention(knobs, shape)),
  "reattention-window": plain(
    "reattention-window",
    (knobs, shape) => new ReAttention({ ...knobs, prefill: "window" }, shape),
  ),
  "random": (knobs) => new RandomSpans(knobs),
  "oracle": (knobs) => new OracleSpans(knobs),
};

/** Names of all methods, in the order of tables. */
export const methodNames: readonly MethodName[] = Object.keys(
  makers,
) as MethodName[];

/**
 * Makes a method by name.
 *
 * @throws {RangeError} for a name that there isn't.
 *
 * @example
 * ```ts
 * import { createMethod, resolveKnobs } from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 8 };
 * const method = createMethod("reattention", resolveKnobs({ prefill: "window" }), shape);
 * assertEquals(method.name, "reattention-window");
 * ```
 */
export function createMethod(
  name: MethodName,
  knobs: Readonly<Knobs>,
  shape: AttentionShape,
): AttentionMethod {
  const make = makers[name];
  if (!make) {
    throw new RangeError(
      `there is no method "${name}"; the methods are ${methodNames.join(", ")}`,
    );
  }
  return make(knobs, shape);
}
