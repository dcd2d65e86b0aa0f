import type { Dispatch, KernelOption, KernelVariant } from "../gpu/mod.ts";
import { Tensor } from "../tensor/mod.ts";
import type { BestLists } from "./best_lists.ts";
import { KeyImage } from "./key_image.ts";
import { GROUP_CHANNELS, scoreByGroups } from "./score_groups.ts";
import { ScoreSource } from "./score_source.ts";
import { headVectors } from "./shape.ts";
import type { AttentionStep } from "./step.ts";
import { readsStored } from "./storage.ts";

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
/** Pairs (row, query head of a KV head's group) from which on tiles of scores are filled well. */
const MANY_PAIRS = 24;
/** Pairs that share keys where they are few. */
const FEW_PAIRS = 8;
/** Threads of a workgroup that scores few pairs: as many tokens at a time. */
const FEW_THREADS = 128;
/** Longest list that workgroups keep, and channels of the longest head that they take. */
const MOST_TOGETHER = { k: 64, channels: 256 };
/** Workgroups that keep a large GPU busy: on an H100 fewer and longer blocks were faster, since each begins with a wait for memory. */
const MANY_GROUPS = 512;

/** A kernel and how the middle is cut for it. */
interface Scoring extends KernelVariant {
  /** Tokens of a block. */
  readonly blockTokens: number;
  /** Workgroups that a number of blocks takes, for each sequence and KV head. */
  groups(blocks: number): number;
  readonly together: boolean;
  /** Whether keys are better read from an image. Default false. */
  readonly imagesPay?: boolean;
}

/** Scores the middle against the source's rows, and keeps the best tokens of each block (ALGORITHM section 5). */
export function scoreTopK(step: AttentionStep, source: ScoreSource): BestLists {
  const { cache, method: { knobs } } = step.context;
  const { keyValueHeads, headSize } = cache.shape;
  const pairs = source.rows.shape[1] * source.heads / keyValueHeads;
  const scoring = scoringOf(step, pairs);
  if (scoring === "groups") return scoreByGroups(step, source);
  const lists = cache.batch * keyValueHeads * pairs;
  // Lists of very many blocks would not fit one binding: then blocks are longer.
  const listBytes = 4 * knobs.k * lists * Math.ceil(step.middleLength / scoring.blockTokens);
  const blockTokens = scoring.blockTokens * Math.ceil(listBytes / step.device.info.bindingBytes);
  const blocks = Math.ceil(step.middleLength / blockTokens);
  const shape = [cache.batch, keyValueHeads, pairs, blocks, knobs.k];
  const scores = Tensor.empty(step.device, shape, "f32", "best scores");
  const tokens = Tensor.empty(step.device, shape, "u32", "best tokens");
  source.pages.forEach((pages, index) => {
    const { buffer, type, addressing } = pages;
    using copied = scoring.imagesPay ? KeyImage.copy(step.device, pages, headVectors(headSize)) : undefined;
    const call: Dispatch = {
      kernel: copied ? "score_image_top_k" : scoring.kernel,
      ...(!copied && readsStored({ keys: type })),
      constants: {
        D4: headVectors(headSize),
        K: knobs.k,
        ...scoring.constants,
        ...(scoring.kernel === "score_few_top_k" && { SLABS: source.pages.length > 1 ? 2 : 1 }),
        ...(copied && { WIDTH: copied.image.width, TOKENS: 2 }),
      },
      params: {
        ...addressing,
        step_rows: source.rows.shape[1],
        query_heads: source.heads,
        ...(!scoring.together && { head_size: headSize }),
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
  return { scores, tokens, blocks, together: scoring.together };
}

/** Whether workgroups score few pairs together here. */
export function scoresFewTogether(step: AttentionStep, pairs: number): boolean {
  const scoring = scoringOf(step, pairs);
  return scoring !== "groups" && scoring.kernel === "score_few_top_k";
}

function scoringOf(step: AttentionStep, pairs: number): Scoring | "groups" {
  return step.once(`scoring of ${pairs} pairs`, () => newScoring(step, pairs));
}

function newScoring(step: AttentionStep, pairs: number): Scoring | "groups" {
  const { cache, method: { knobs: { k } } } = step.context;
  const { headSize } = cache.shape;
  const { choices, info } = step.device;
  const [lanes, workgroups] = scorings;
  const usual = info.software || !choices.fits(workgroups) ? lanes : workgroups;
  const fits = k <= MOST_TOGETHER.k && headSize <= MOST_TOGETHER.channels && headSize % 4 === 0;
  const picked = fits ? choices.of(scoringQuestion(pairs), scorings, usual) : lanes;
  if (picked === lanes) return byLanes(step, pairs);
  return pairs >= MANY_PAIRS && headSize % GROUP_CHANNELS === 0 ? "groups" : byFew(step, pairs);
}

/** Each thread takes some pairs and a block. */
function byLanes(step: AttentionStep, pairs: number): Scoring {
  const { cache: { shape: { headSize } }, method: { knobs: { k } } } = step.context;
  const short = k <= MOST_SHORT;
  // A software adapter takes most of its time to load keys: they serve eight pairs as well as two. Long heads would take it
  // too long to compile.
  const PAIRS = short && step.device.info.software && pairs >= 24 && headSize <= 64 ? 8 : 2;
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
    together: false,
    imagesPay: PAIRS === 8,
  };
}

/** Workgroups that read keys once for a few pairs. */
function byFew(step: AttentionStep, pairs: number): Scoring {
  const { cache: { shape: { headSize } }, method: { knobs: { k } } } = step.context;
  const PAIRS = Math.min(pairs, FEW_PAIRS);
  const tiles = Math.ceil(pairs / PAIRS);
  const vectors = headVectors(headSize);
  const room = (chunk: number) =>
    16 * FEW_THREADS * (chunk + 1) + 16 * PAIRS * vectors + 16 * PAIRS * k + 8 * PAIRS * FEW_THREADS;
  // Whole cache lines, where workgroup memory has room for several workgroups then.
  const CHUNK4 = [8, 4, 2, 1].find((chunk) => vectors % chunk === 0 && (chunk <= 4 || room(chunk) <= 24 * 1024))!;
  return {
    kernel: "score_few_top_k",
    constants: { PAIRS, CHUNK4 },
    blockTokens: blockFor(step, tiles, 8 * FEW_THREADS),
    groups: (blocks) => tiles * blocks,
    together: true,
  };
}

/** Blocks as long as they can be while every multiprocessor has some, but not shorter than `least` tokens. */
function blockFor(step: AttentionStep, tiles: number, least: number): number {
  const { cache: { batch, shape: { keyValueHeads } } } = step.context;
  const blocks = Math.max(1, Math.floor(MANY_GROUPS / (batch * keyValueHeads * tiles)));
  const tokens = Math.max(least, Math.ceil(step.middleLength / blocks));
  return Math.ceil(tokens / FEW_THREADS) * FEW_THREADS;
}
