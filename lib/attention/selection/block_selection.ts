import { Tensor, topK } from "../../tensor/mod.ts";
import { type AttendedTokens, type AttentionStep, disposeAttended, disposeSelection, type Selection } from "../step.ts";
import { attendOver } from "../attend/attend.ts";
import { listAttended } from "../attend/list_attended.ts";

/** Blocks that can be picked in one list. */
export const MOST_BLOCKS = 256;

/**
 * Picks the `most` best blocks of each list: what methods share that select by scores of blocks.
 *
 * @param scores f32 [batch, selections, blocks], blocks of `blockTokens` tokens counted from the start of the middle; -3e38
 * where there is none. Of equal ones the earlier is taken.
 * @returns marks of their tokens; a block's first token stands for it in the trace, the best one with most votes
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import * as attention from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new attention.KeyValueCache(device, { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 2 });
 * await attention.appendRandom(cache, 1000);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * const context = { method: new attention.OracleSpans(attention.presets.demo), cache, rotation, scope };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * using scores = Tensor.from(device, new Float32Array([0, 5, 1]), [1, 1, 3]);
 * using marks = attention.selectBlocks(step, scores, 1, 32).marks; // the best of three blocks of 32 tokens
 * assertEquals([...(await marks.read()).slice(0, 3)], [0, 2 ** 32 - 1, 0]);
 * ```
 */
export function selectBlocks(step: AttentionStep, scores: Tensor, most: number, blockTokens: number): Selection {
  const { device } = step;
  const [batch, selections, blocks] = scores.shape;
  const K = Math.min(most, blocks);
  const words = Math.ceil(step.middleLength / 32);
  const marks = Tensor.zeros(device, [batch, selections, words], "u32", "marks");
  const centers = Tensor.zeros(device, [batch, selections, K, 2], "u32", "centers");
  const centerCounts = Tensor.zeros(device, [batch, selections], "u32", "center counts");
  const top = topK(scores, K);
  device.commands.dispatch({
    kernel: "mark_blocks",
    constants: { K },
    params: { batch, selections, block_tokens: blockTokens, words },
    bindings: [top.values, top.indices, step.layout, marks, centers, centerCounts].map(({ buffer }) => ({ buffer })),
    groups: Math.ceil(batch * selections * K / 64),
    work: batch * selections * K * blockTokens,
  });
  top.values[Symbol.dispose]();
  top.indices[Symbol.dispose]();
  return { marks, centers, centerCounts };
}

/**
 * Marks chosen by the host, the same for all heads: tokens of each sequence's middle, counted from its start.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import * as attention from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new attention.KeyValueCache(device, { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 2 });
 * await attention.appendRandom(cache, 1000);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * const context = { method: new attention.OracleSpans(attention.presets.demo), cache, rotation, scope };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * using marks = attention.selectOnHost(step, [[[0, 2]]]).marks;
 * assertEquals((await marks.read())[0], 0b11); // the first two tokens after the leading ones
 * ```
 */
export function selectOnHost(
  step: AttentionStep,
  spans: readonly (readonly (readonly [number, number])[])[],
): Selection {
  const { device } = step;
  const batch = spans.length;
  const words = Math.max(1, Math.ceil(step.middleLength / 32));
  const room = Math.max(1, ...spans.map(({ length }) => length));
  const marks = new Uint32Array(batch * words);
  const centers = new Uint32Array(batch * room * 2);
  spans.forEach((own, sequence) => {
    own.forEach(([first, end], span) => {
      centers.set([first, 1], 2 * (sequence * room + span));
      for (let token = first; token < end; token++) marks[sequence * words + (token >>> 5)] |= 1 << (token & 31);
    });
  });
  return {
    marks: Tensor.from(device, marks, [batch, 1, words], "marks"),
    centers: Tensor.from(device, centers, [batch, 1, room, 2], "centers"),
    centerCounts: Tensor.from(device, Uint32Array.from(spans, ({ length }) => length), [batch, 1], "center counts"),
  };
}

/**
 * Attends over leading tokens, picked tokens of the middle and window, and hands what was picked to the trace.
 *
 * @param picked most tokens of the middle that a list can hold
 * @param selection given away
 * @param attend how. Default: by the method's knob `positions`
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import * as attention from "@reattention/toolkit/attention";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using cache = new attention.KeyValueCache(device, { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 2 });
 * await attention.appendRandom(cache, 1000);
 * using rotation = new attention.RotationTable(device, new Float32Array([1]));
 * using scope = Tensor.zeros(device, [1], "u32");
 * const context = { method: new attention.OracleSpans(attention.presets.demo), cache, rotation, scope };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * using queries = Tensor.zeros(device, [1, 1, 1, 2]);
 * const selection = attention.selectOnHost(step, [[[0, 2]]]);
 * using _output = attention.attendPicked(step, 0, queries, 2, selection);
 * assertEquals([...await scope.read()], [32 + 2 + 256]); // leading tokens, two picked ones, window
 * ```
 */
export function attendPicked(
  step: AttentionStep,
  layer: number,
  queries: Tensor,
  picked: number,
  selection: Selection,
  attend: (attended: AttendedTokens) => Tensor = (attended) => attendOver(step, layer, queries, attended),
): Tensor {
  const bound = step.outerLength + Math.min(picked, step.middleLength);
  const attended = listAttended(step, selection.marks.shape[1], bound, selection.marks);
  const output = attend(attended);
  const { trace } = step.context;
  if (trace) {
    trace.recordSelection(step, layer, attended, selection);
  } else {
    disposeAttended(attended);
    disposeSelection(selection);
  }
  return output;
}
