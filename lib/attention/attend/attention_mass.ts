import { Tensor } from "../../tensor/mod.ts";
import { anglesOf, relativeConstants, type RelativeOptions, relativeParams } from "./relative.ts";
import type { AttendedTokens, AttentionStep } from "../step.ts";

/** What the weights of listed tokens are made of. */
export interface MassInput {
  /** f32 [batch, rows, query heads, head size], before rotation. */
  readonly queries: Tensor;
  /** The tokens. */
  readonly attended: AttendedTokens;
  /** Their keys, as `runRelative` gathered them. */
  readonly keys: Tensor;
  /** What `runRelative` gave for these queries. */
  readonly sums: Tensor;
  /** Those of `runRelative`; without `slide`. */
  readonly options: RelativeOptions;
}

/**
 * How much attention each listed token gets, all rows and the heads that share its list added.
 *
 * @returns f32 [batch, selections, bound], 0 past the lists' ends
 */
export function attentionMass(
  step: AttentionStep,
  { queries, attended, keys, sums, options }: MassInput,
): Tensor {
  const { headSize } = step.context.cache.shape;
  const [batch, rows, queryHeads] = queries.shape;
  const mass = Tensor.empty(step.device, [batch, attended.selections, attended.bound], "f32", "attention mass");
  const WORKGROUP = step.device.info.software ? 8 : 64;
  step.device.commands.dispatch({
    kernel: "attention_mass",
    overrides: { WORKGROUP },
    constants: relativeConstants(options.relative, headSize),
    params: { ...relativeParams(step, queries, attended, options), padded: keys.shape[3] },
    bindings: [queries, keys, attended.indices, attended.counts, anglesOf(step, attended, options), sums, mass].map((
      { buffer },
    ) => ({ buffer })),
    groups: Math.ceil(mass.size / WORKGROUP),
    work: mass.size * rows * queryHeads / attended.selections * headSize,
  });
  return mass;
}
