import type { Tensor } from "../../tensor/mod.ts";
import { votingHeads } from "../knobs/scoring.ts";
import type { AttendedTokens, AttentionStep, Selection, TopTokens } from "../step.ts";

/** What one group of heads attended to in one layer of one step. */
export interface TraceGroup {
  /** Attended positions in the whole context, rising. */
  readonly indices: Uint32Array;
  /** Kept candidates in the whole context, rising; empty where nothing was selected. */
  readonly centers: Uint32Array;
  /** Votes of each kept candidate. */
  readonly votes: Uint32Array;
  /** Leading tokens always attended to. */
  readonly globalCount: number;
  /** First token of the window. */
  readonly windowStart: number;
}

/** The k best tokens of one query: what it voted for. */
export interface TracePick {
  /** Row of the step. */
  readonly row: number;
  /** Query head. */
  readonly head: number;
  /** Tokens in the whole context, best first. */
  readonly tokens: Uint32Array;
  /** Their scores: plain dot products of query and key before rotation. */
  readonly scores: Float32Array;
}

/** What one layer attended to in one step. */
export interface TraceLayer {
  /** The layer's number. */
  readonly layer: number;
  /** One group where all heads share a selection, one per KV head otherwise. */
  readonly groups: readonly TraceGroup[];
  /** What each row and head voted for; empty where nothing was selected. */
  readonly picks: readonly TracePick[];
}

/** One step of a session. */
export interface TraceStep {
  /** Number of the step since the session began. */
  readonly step: number;
  /** What the step attended to; its first layer, where knobs differ by layer. */
  readonly kind: "full" | "window" | "select";
  /** Whether a selecting step went on with tokens that were picked before (the knob `recallEvery`). */
  readonly frozen: boolean;
  /** First token of the step. */
  readonly start: number;
  /** Tokens of the step. */
  readonly rows: number;
  /** Tokens cached, the step's own included. */
  readonly length: number;
  /** One entry per layer. */
  readonly layers: readonly TraceLayer[];
}

/** Marks an unused place of a list, as the kernels do. */
const NONE = 0xffffffff;

/** What was recorded of one layer, on the GPU. */
export interface RecordedLayer {
  readonly step: AttentionStep;
  readonly layer: number;
  readonly attended: AttendedTokens;
  readonly selection?: Selection;
}

/** What has to be read of a layer, in the order that the others expect. */
export function tensorsOf(
  { attended, selection }: { attended: AttendedTokens; selection?: Selection },
): Tensor[] {
  const tensors = [attended.indices, attended.counts];
  if (!selection) return tensors;
  const { centers, centerCounts, top } = selection;
  return [...tensors, centers, centerCounts, ...top ? [top.scores, top.tokens] : []];
}

/** What each group of heads attended to. */
export function groupsOf({ step, attended, selection }: RecordedLayer, data: readonly Uint32Array[]): TraceGroup[] {
  const [indices, counts, centers, centerCounts] = data;
  const { mode, leading, windowStart } = step.layouts[0];
  // Beside sequences that select, one that does not has the same list for each KV head.
  const selects = mode === "select";
  return Array.from({ length: selects ? attended.selections : 1 }, (_, group) => {
    const kept = selection && selects
      ? readCenters(centers, group * selection.centers.shape[2], centerCounts[group])
      : [];
    const first = group * attended.bound;
    return {
      indices: indices.slice(first, first + counts[group]),
      centers: Uint32Array.from(kept, ([token]) => token + leading),
      votes: Uint32Array.from(kept, ([, votes]) => votes),
      globalCount: leading,
      windowStart,
    };
  });
}

function readCenters(centers: Uint32Array, first: number, count: number): [number, number][] {
  return Array.from({ length: count }, (_, index): [number, number] => [
    centers[2 * (first + index)],
    centers[2 * (first + index) + 1],
  ]).sort(([a], [b]) => a - b);
}

/** What each query and head voted for. */
export function picksOf(step: AttentionStep, top: TopTokens, scores: Uint32Array, tokens: Uint32Array): TracePick[] {
  const [, heads, pairs, k] = top.tokens.shape;
  const values = new Float32Array(scores.buffer, scores.byteOffset, scores.length);
  const keyHeads = step.context.cache.shape.keyValueHeads;
  const share = votingHeads(step.context.method.knobs.scoring, step.context.cache.shape) / keyHeads;
  const { leading } = step.layouts[0];
  const picks: TracePick[] = [];
  for (let query = 0; query < heads * pairs; query++) {
    const pair = query % pairs;
    const own = tokens.subarray(query * k, (query + 1) * k);
    const count = own.indexOf(NONE) < 0 ? k : own.indexOf(NONE);
    picks.push({
      row: Math.floor(pair / share),
      head: Math.floor(query / pairs) * share + pair % share,
      tokens: own.slice(0, count).map((token) => token + leading),
      scores: values.slice(query * k, query * k + count),
    });
  }
  return picks;
}
