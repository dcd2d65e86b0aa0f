import type { TraceStep } from "../../attention/mod.ts";
import type { TensorToWrite } from "../weights/safetensors_writer.ts";
import { type Table, TableRows } from "./table.ts";
import { integers, numbers } from "./tensors.ts";

/** A trace as tables; rows join by step and layer. */
export interface TraceTables {
  /** One row for each step: step, kind, frozen (0 or 1), start, rows, length. */
  readonly steps: Table;
  /** One row for each attended token: step, layer, group, token (place in the context), part ("global", "selected" or "window"). */
  readonly attended: Table;
  /** One row for each kept candidate: step, layer, group, token, votes. */
  readonly candidates: Table;
  /** One row for each vote: step, layer, query (place in the context), head, rank (0 is the best), token, score. */
  readonly votes: Table;
}

/**
 * A session's trace as tables, to be written with `writeParquet`.
 *
 * @param trace what `Session.readTrace` gave
 *
 * @example
 * ```ts
 * import { traceTables } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const group = {
 *   indices: new Uint32Array([0, 5, 9]), centers: new Uint32Array([5]), votes: new Uint32Array([3]), globalCount: 1, windowStart: 9,
 * };
 * const layers = [{ layer: 2, groups: [group], picks: [] }];
 * const { attended } = traceTables([{ step: 0, kind: "select", frozen: false, start: 9, rows: 1, length: 10, layers }]);
 * assertEquals(attended.part, ["global", "selected", "window"]);
 * ```
 */
export function traceTables(trace: readonly TraceStep[]): TraceTables {
  const place = { step: "whole", layer: "whole" } as const;
  const steps = new TableRows({
    step: "whole",
    kind: "words",
    frozen: "whole",
    start: "whole",
    rows: "whole",
    length: "whole",
  });
  const attended = new TableRows({ ...place, group: "whole", token: "whole", part: "words" });
  const candidates = new TableRows({ ...place, group: "whole", token: "whole", votes: "whole" });
  const votes = new TableRows({
    ...place,
    query: "whole",
    head: "whole",
    rank: "whole",
    token: "whole",
    score: "number",
  });
  for (const { step, kind, frozen, start, rows, length, layers } of trace) {
    steps.add({ step, kind, frozen: Number(frozen), start, rows, length });
    for (const { layer, groups, picks } of layers) {
      groups.forEach(({ indices, centers, votes: cast, globalCount, windowStart }, group) => {
        for (const token of indices) {
          const part = token < globalCount ? "global" : token >= windowStart ? "window" : "selected";
          attended.add({ step, layer, group, token, part });
        }
        centers.forEach((token, index) => candidates.add({ step, layer, group, token, votes: cast[index] }));
      });
      for (const { row, head, tokens, scores } of picks) {
        tokens.forEach((token, rank) =>
          votes.add({ step, layer, query: start + row, head, rank, token, score: scores[rank] })
        );
      }
    }
  }
  return { steps: steps.table(), attended: attended.table(), candidates: candidates.table(), votes: votes.table() };
}

/**
 * A session's trace as tensors, to be written with `writeSafetensors`: `step{i}.layer{j}.group{g}.indices`, `.centers` and `.votes` (I32),
 * named as the goldens are, and `step{i}.about` (I32: start, rows, length). Steps are numbered as the session did.
 *
 * @param trace what `Session.readTrace` gave
 *
 * @example
 * ```ts
 * import { traceTensors } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const selected = { indices: new Uint32Array([0, 5, 9]), centers: new Uint32Array([5]), votes: new Uint32Array([3]) };
 * const group = { ...selected, globalCount: 1, windowStart: 9 };
 * const layers = [{ layer: 2, groups: [group], picks: [] }];
 * const tensors = traceTensors([{ step: 0, kind: "select", frozen: false, start: 9, rows: 1, length: 10, layers }]);
 * assertEquals(tensors["step0.layer2.group0.indices"].shape, [3]);
 * ```
 */
export function traceTensors(trace: readonly TraceStep[]): Record<string, TensorToWrite> {
  const tensors: Record<string, TensorToWrite> = {};
  for (const { step, start, rows, length, layers } of trace) {
    tensors[`step${step}.about`] = integers([start, rows, length]);
    for (const { layer, groups, picks } of layers) {
      const name = `step${step}.layer${layer}`;
      groups.forEach(({ indices, centers, votes }, group) => {
        tensors[`${name}.group${group}.indices`] = integers(indices);
        tensors[`${name}.group${group}.centers`] = integers(centers);
        tensors[`${name}.group${group}.votes`] = integers(votes);
      });
      for (const { row, head, tokens, scores } of picks) {
        tensors[`${name}.row${row}.head${head}.tokens`] = integers(tokens);
        tensors[`${name}.row${row}.head${head}.scores`] = numbers(scores);
      }
    }
  }
  return tensors;
}
