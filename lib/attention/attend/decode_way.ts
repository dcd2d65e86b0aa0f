import type { KernelOption } from "../../gpu/mod.ts";
import { lanesPlan } from "../../tensor/mod.ts";
import type { AttentionStep } from "../step.ts";

/** Most pairs (row, query head of a KV head's group) that share what a workgroup reads. */
const MOST_PAIRS = 16;
/** Most pairs of a thread: more would read each key again, and gathering it once takes less then. */
const MOST_THREAD_PAIRS = 4;
/** Keys that one thread can run through where the driver ends its loops after 65,535 turns (llvmpipe), nine turns for four keys. */
const MOST_THREAD_KEYS = 25_000;
/** Longest head. */
const MOST_CHANNELS = 256;

/** Ways to attend in decoding: from gathered tokens; straight from the pages, split over workgroups; or by threads on their own. */
const [gathered, split, lanes]: readonly KernelOption[] = [
  { name: "gathered" },
  { name: "split", threads: 256, workgroupBytes: 16 * 1024 },
  { name: "lanes" },
];

/** Whether a step gathers the tokens that it attends to. */
export function gathers(step: AttentionStep): boolean {
  return wayOf(step) === gathered;
}

/** Whether a step's attention can be, and on its device should be, split over tokens. */
export function splits(step: AttentionStep): boolean {
  return wayOf(step) === split;
}

/** Whether attention to at most so many tokens can be, and on its device should be, by threads that read pages on their own. */
export function attendsLanes(step: AttentionStep, tokens: number): boolean {
  if (wayOf(step) !== lanes) return false;
  const { batch, shape: { queryHeads, keyValueHeads, headSize } } = step.context.cache;
  const pairs = step.rows * queryHeads / keyValueHeads;
  return tokens / lanesPlan(batch * keyValueHeads, pairs, headSize / 4, tokens).splits <= MOST_THREAD_KEYS;
}

function wayOf(step: AttentionStep): KernelOption {
  return step.once("decode attention", () => chooseWay(step));
}

function chooseWay(step: AttentionStep): KernelOption {
  const { cache } = step.context;
  const { queryHeads, keyValueHeads, headSize, slidingWindow } = cache.shape;
  const { choices, info } = step.device;
  const pairs = step.rows * queryHeads / keyValueHeads;
  if (headSize % 8 !== 0 || headSize > MOST_CHANNELS || cache.pool.host || slidingWindow) return gathered;
  const options = [gathered];
  // Rotated queries may take a third of what a workgroup has.
  if (pairs <= MOST_PAIRS && 12 * pairs * headSize <= info.workgroupBytes) options.push(split);
  if (pairs <= MOST_THREAD_PAIRS && cache.slabs().length === 1) options.push(lanes);
  const usual = info.software ? lanes : split;
  const possible = options.includes(usual) && choices.fits(usual);
  const picked = choices.of("decode attention", [gathered, split, lanes], possible ? usual : gathered);
  return options.includes(picked) ? picked : gathered;
}
