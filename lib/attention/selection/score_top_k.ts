import type { Dispatch, KernelOption, KernelVariant } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import type { BestLists } from "./best_lists.ts";
import { KeyImage } from "./key_image.ts";
import { MANY_PAIRS, scoreByGroups } from "./score_groups.ts";
import { type ScoredPages, ScoreSource } from "./score_source.ts";
import { headVectors } from "../shape.ts";
import type { AttentionStep } from "../step.ts";
import { readsStored, readsVectors } from "../cache/storage.ts";

/** Ways to score: each thread on its own, with its lists in registers; or workgroups that share keys and lists. */
export const scorings: readonly KernelOption[] = [
  { name: "lanes" },
  { name: "workgroups", threads: 256, workgroupBytes: 32 * 1024 },
];

/** The question under which scoring is tuned. */
export function scoringQuestion(pairs: number): string {
  return pairs >= MANY_PAIRS ? "prefill selection" : "decode selection";
}

/** Longest list of best tokens that a thread keeps in registers. */
const MOST_SHORT = 16;
/** Longest list that workgroups keep, and channels of the longest head that they take. */
const MOST_TOGETHER = { k: 64, channels: 256 };
/** A kernel and how the middle is cut for it. */
interface Scoring extends KernelVariant {
  /** Tokens of a block. */
  readonly blockTokens: number;
  /** Workgroups that a number of blocks takes, for each sequence and KV head. */
  groups(blocks: number): number;
  /** Whether keys are better read from an image. Default false. */
  readonly imagesPay?: boolean;
}

/** Scores the middle against the source's rows, and keeps the best tokens of each block (ALGORITHM section 5). */
export function scoreTopK(step: AttentionStep, source: ScoreSource): BestLists {
  const { cache, method: { knobs } } = step.context;
  const { keyValueHeads, headSize } = cache.shape;
  const pairs = source.rows.shape[1] * source.heads / keyValueHeads;
  if (scoresTogether(step, pairs)) return scoreByGroups(step, source);
  const scoring = byLanes(step, pairs);
  const lists = cache.batch * keyValueHeads * pairs;
  // Lists of very many blocks would not fit one binding: then blocks are longer.
  const listBytes = 4 * knobs.k * lists * Math.ceil(step.middleLength / scoring.blockTokens);
  const blockTokens = scoring.blockTokens * Math.ceil(listBytes / step.device.info.bindingBytes);
  const blocks = Math.ceil(step.middleLength / blockTokens);
  const shape = [cache.batch, keyValueHeads, pairs, blocks, knobs.k];
  const scores = Tensor.empty(step.device, shape, "f32", "best scores");
  const tokens = Tensor.empty(step.device, shape, "u32", "best tokens");
  source.pages.forEach((pages, index) => {
    const { buffer, addressing } = pages;
    using copied = scoring.imagesPay ? KeyImage.copy(step.device, pages, headVectors(headSize)) : undefined;
    const reading: Partial<KernelVariant> = readingOf(scoring, pages, headSize);
    const call: Dispatch = {
      kernel: copied ? "score_image_top_k" : scoring.kernel,
      ...(!copied && reading),
      constants: {
        D4: headVectors(headSize),
        K: knobs.k,
        ...scoring.constants,
        ...(copied ? { WIDTH: copied.image.width, TOKENS: 2 } : reading.constants),
      },
      params: {
        ...addressing,
        step_rows: source.rows.shape[1],
        query_heads: source.heads,
        head_size: headSize,
        blocks,
        block_tokens: blockTokens,
        resume: Number(index > 0),
      },
      bindings: [
        { buffer: source.rows.buffer },
        copied ?? { buffer },
        ...[source.table, source.parts, scores, tokens].map(({ buffer }) => ({ buffer })),
      ],
      groups: cache.batch * keyValueHeads * scoring.groups(blocks),
      work: cache.batch * source.heads * source.rows.shape[1] *
        Math.min(step.middleLength, addressing.slab_pages * addressing.page_tokens) * headSize,
    };
    step.device.commands.dispatch(call);
  });
  return { scores, tokens, blocks };
}

/** How the kernel reads keys: short lists leave registers for eight channels at once. */
function readingOf(
  { kernel }: Scoring,
  { type, addressing: { page_tokens: pageTokens } }: ScoredPages,
  headSize: number,
) {
  if (kernel !== "score_short_top_k") return readsStored({ keys: type });
  const { types, part, vectors } = readsVectors("key", type, { headSize, pageTokens });
  const LOADS = headVectors(headSize) / vectors;
  return { types, parts: [part], constants: { LOADS, ...(vectors === 2 && { D8: LOADS, PAGE: pageTokens }) } };
}

/** Whether workgroups score so many pairs together here, by groups of tokens. */
export function scoresTogether(step: AttentionStep, pairs: number): boolean {
  const { cache: { shape: { headSize } }, method: { knobs: { k } } } = step.context;
  const { choices, info } = step.device;
  const [lanes, workgroups] = scorings;
  const usual = info.software || !choices.fits(workgroups) ? lanes : workgroups;
  const fits = k <= MOST_TOGETHER.k && headSize <= MOST_TOGETHER.channels && headSize % 4 === 0;
  return fits && choices.of(scoringQuestion(pairs), scorings, usual) === workgroups;
}

/** Each thread takes some pairs and a block. */
function byLanes(step: AttentionStep, pairs: number): Scoring {
  const { cache: { shape: { headSize } }, method: { knobs: { k } } } = step.context;
  const short = k <= MOST_SHORT;
  const PAIRS = short && step.device.info.software ? threadPairs(pairs, headSize) : 2;
  const tiles = Math.ceil(pairs / PAIRS);
  const fewQueries = tiles < 8;
  // Long blocks keep the lists short; when few queries run, shorter ones give every core something to do. A block much
  // shorter than k would only be copied.
  const wanted = fewQueries ? Math.ceil(step.middleLength / 256) : 1024;
  return {
    kernel: short ? "score_short_top_k" : "score_top_k",
    constants: short ? { PAIRS } : {},
    blockTokens: Math.max(64, 4 * k, Math.min(wanted, step.middleLength)),
    groups: (blocks) => Math.ceil(tiles * blocks / 8),
    imagesPay: PAIRS === 8,
  };
}

/**
 * Pairs of a thread on a software adapter, which takes most of its time to load keys: they serve eight pairs as well as two. Long
 * heads would take it too long to compile.
 */
function threadPairs(pairs: number, headSize: number): 2 | 4 | 8 {
  if (headSize <= 64 && pairs >= 24) return 8;
  return headSize <= 128 && (pairs === 3 || pairs === 4) ? 4 : 2;
}
