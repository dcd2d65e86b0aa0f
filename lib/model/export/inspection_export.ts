import type { HeadAttention, InsideHead } from "../../attention/mod.ts";
import type { Inspection } from "../inspection/inspect.ts";
import type { TensorToWrite } from "../weights/safetensors_writer.ts";
import { type Table, TableRows } from "./table.ts";
import { integers, numbers } from "./tensors.ts";

/** An inspection as tables; rows join by query, layer and head. */
export interface InspectionTables {
  /**
   * One row for each query, head and token that it sees: query (place in the context), layer, head, when ("after" or "before"
   * selection), token, position_id, bin_tokens (tokens of the entry), weight.
   */
  readonly attention: Table;
  /** One row for each query and head: query, query_position_id, layer, head, when, attended, entropy, normalized_entropy. */
  readonly entropy: Table;
  /** One row for each of a head's best tokens: query, layer, head, rank, token, score. */
  readonly votes: Table;
}

/**
 * An inspection as tables, to be written with `writeParquet`; empty ones where nothing was selected.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { inspectionTables, loadModel } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * using session = model.createSession({ method: "full" });
 * await session.append("It rained all day.");
 * const inspection = await session.inspect(" Then it", { layers: 3, heads: [1] });
 * const { attention } = inspectionTables(inspection);
 * assertEquals(new Set([...attention.token]).size, inspection.tokens.length); // the last token sees all
 * ```
 */
export function inspectionTables(inspection: Inspection): InspectionTables {
  const place = { query: "whole", layer: "whole", head: "whole" } as const;
  const attention = new TableRows({
    ...{
      ...place,
      when: "words",
      token: "whole",
      position_id: "whole",
      bin_tokens: "whole",
      weight: "number",
    } as const,
  });
  const entropy = new TableRows({
    ...{ ...place, query_position_id: "whole", when: "words", attended: "whole" } as const,
    ...{ entropy: "number", normalized_entropy: "number" } as const,
  });
  const votes = new TableRows({ ...place, rank: "whole", token: "whole", score: "number" });
  for (const { head, when, own } of attentions(inspection)) {
    own.queries.forEach((query, row) => {
      const at = { query, layer: own.layer, head: head.head, when };
      entropy.add({
        ...at,
        query_position_id: own.queryPositionIds[row],
        attended: own.attended[row],
        entropy: own.entropy[row],
        normalized_entropy: own.normalizedEntropy[row],
      });
      own.positions.forEach((token, place) => {
        if (token > query) return;
        const weight = own.weights[row * own.positions.length + place];
        attention.add({ ...at, token, position_id: own.positionIds[place], bin_tokens: own.binTokens, weight });
      });
    });
  }
  for (
    const { layer, head, queries, picks } of inspection.steps.flatMap(({ layers }) =>
      layers.flatMap((own) => own.votes)
    )
  ) {
    picks.forEach(({ tokens, scores }, row) => {
      tokens.forEach((token, rank) =>
        votes.add({ query: queries[row], layer, head, rank, token, score: scores[rank] })
      );
    });
  }
  return { attention: attention.table(), entropy: entropy.table(), votes: votes.table() };
}

/**
 * An inspection as tensors, to be written with `writeSafetensors`: for each step, layer and head
 * `start{s}.layer{j}.head{h}.after.weights` [queries, positions] (F32) with `.positions`, `.position_ids`, `.queries`,
 * `.query_position_ids` (I32) and `.entropy`; `.before` likewise; `.scores.agnostic` and `.scores.rotated` [queries, tokens] where
 * they were asked for, NaN where a query sees nothing. A step is named by its first token's place; `tokens` holds the context's ids.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { inspectionTensors, loadModel } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * using session = model.createSession({ method: "full" });
 * await session.append("It rained all day.");
 * const inspection = await session.inspect(" Then it", { layers: 3, heads: [1] });
 * const tensors = inspectionTensors(inspection);
 * const name = `start${inspection.steps[0].start}.layer3.head1.after.weights`;
 * assertEquals(tensors[name].shape, [1, inspection.tokens.length]);
 * ```
 */
export function inspectionTensors(inspection: Inspection): Record<string, TensorToWrite> {
  const tensors: Record<string, TensorToWrite> = { tokens: integers(inspection.tokens) };
  for (const { start, head, when, own } of attentions(inspection)) {
    const name = `start${start}.layer${own.layer}.head${head.head}`;
    tensors[`${name}.${when}.weights`] = numbers(own.weights, [own.queries.length, own.positions.length]);
    tensors[`${name}.${when}.positions`] = integers(own.positions);
    tensors[`${name}.${when}.position_ids`] = integers(own.positionIds);
    tensors[`${name}.${when}.queries`] = integers(own.queries);
    tensors[`${name}.${when}.query_position_ids`] = integers(own.queryPositionIds);
    tensors[`${name}.${when}.entropy`] = numbers(own.entropy);
    if (!head.scores || when === "before") continue;
    const shape = [head.scores.queries.length, head.scores.length];
    tensors[`${name}.scores.agnostic`] = numbers(head.scores.agnostic, shape);
    tensors[`${name}.scores.rotated`] = numbers(head.scores.rotated, shape);
  }
  return tensors;
}

interface OneAttention {
  readonly start: number;
  readonly head: InsideHead;
  readonly when: "after" | "before";
  readonly own: HeadAttention;
}

function attentions({ steps }: Inspection): OneAttention[] {
  return steps.flatMap(({ start, layers }) =>
    layers.flatMap(({ heads }) =>
      heads.flatMap((head): OneAttention[] => [
        { start, head, when: "after", own: head.after },
        ...head.before ? [{ start, head, when: "before" as const, own: head.before }] : [],
      ])
    )
  );
}
