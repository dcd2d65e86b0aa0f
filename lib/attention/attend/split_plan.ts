import { readsVectors, type StorageType } from "../cache/storage.ts";

/** What decides how attention is split over tokens. */
export interface SplitTask {
  /** Pairs (row, query head of a KV head's group) that share what is read. */
  readonly pairs: number;
  /** Channels of a head, a multiple of 8. */
  readonly headSize: number;
  /** Storage of keys. */
  readonly keys: StorageType;
  /** Storage of values. */
  readonly values: StorageType;
  /** Tokens of a page. */
  readonly pageTokens: number;
  /** Sequences times KV heads. */
  readonly lists: number;
  /** Most tokens of a list, or of a stretch of one. */
  readonly places: number;
  /** Bytes of workgroup memory that the adapter grants. */
  readonly workgroupBytes: number;
}

/** What there is to choose. */
export interface SplitChoice {
  /** Threads of a workgroup, a power of two. */
  readonly threads: number;
  /** Tokens of a sweep, about. */
  readonly sweep: number;
  /** Most threads that share a key, a power of two. */
  readonly lanes: number;
  /** Whether values are loaded before keys are multiplied, or after. */
  readonly early: boolean;
  /** Workgroups, at most about. */
  readonly groups: number;
  /** Most bytes of slices' sums that are joined at once, if more than one pair's. */
  readonly joined: number;
}

/** How attention is split over tokens. */
export interface SplitPlan {
  /** Tokens of a workgroup. */
  readonly blockTokens: number;
  /** Bytes of workgroup memory that it takes. */
  readonly workgroupBytes: number;
  /** Constants of attention_split.wgsl, but for those that tell of the list. */
  readonly constants: Readonly<Record<string, number>>;
  /** The parts that read what is stored. */
  readonly parts: readonly string[];
  /** Element types that they need. */
  readonly types: Readonly<Record<string, string>>;
}

/** Most multiply-adds of a thread that are written out for a sweep's keys: far more lines compile for seconds. */
const MOST_PRODUCTS = 256;

/** Most bytes of slices' sums that are joined at once. */
const MOST_JOINED = 20 * 1024;

/** Most slices of a workgroup: their sums are joined by lines that are written out. */
const MOST_SLICES = 32;

/** Plans attention over a list, unless told otherwise as it was fastest on an H100 and an H200. */
export function planSplit(task: SplitTask, choice: SplitChoice = usualChoice(task)): SplitPlan {
  const { pairs: PAIRS, headSize, lists, places } = task;
  const D8 = headSize / 8;
  const keys = readsVectors("key", task.keys, task);
  const values = readsVectors("value", task.values, task);
  const half = D8 / keys.vectors;
  const LANES = largestDivisor(half, choice.lanes);
  const valueLanes = 2 * D8 / values.vectors;
  const { THREADS, KEYS } = threadsFor(task, choice, LANES, valueLanes, values.vectors);
  const SWEEP = KEYS * THREADS / LANES;
  const SLICES = Math.floor(THREADS / valueLanes);
  const { besides, products, joined } = bytesOf(task, LANES, valueLanes, values.vectors, THREADS, KEYS);
  const room = Math.max(products, Math.min(choice.joined, task.workgroupBytes - besides));
  const JOIN = largestPart(PAIRS, Math.floor(room / joined));
  const blocks = Math.max(1, Math.floor(choice.groups / lists));
  return {
    blockTokens: Math.ceil(places / blocks / SWEEP) * SWEEP,
    workgroupBytes: besides + Math.max(products, JOIN * joined),
    types: { ...keys.types, ...values.types },
    parts: [keys.part, values.part],
    constants: {
      ...{ D8, PAIRS, THREADS, SWEEP, LANES, KEYS, SLICES, JOIN },
      PAGE: task.pageTokens,
      CHUNKS: half / LANES,
      VALUES: Math.ceil(SWEEP / SLICES),
      ITEMS: Math.ceil(PAIRS * SLICES / THREADS),
      QUERIES: Math.ceil(PAIRS * D8 / THREADS),
      PLACES: Math.ceil(SWEEP / THREADS),
      JOINS: PAIRS / JOIN,
      EARLY: Number(choice.early),
      SCALED: Number(task.keys === "int8" || task.values === "int8"),
    },
  };
}

/** As many threads and keys of each as were chosen, or as written lines and workgroup memory allow. */
function threadsFor(task: SplitTask, choice: SplitChoice, lanes: number, valueLanes: number, vectors: number) {
  const mostKeys = Math.max(1, Math.floor(MOST_PRODUCTS / (task.pairs * task.headSize / (2 * lanes))));
  let THREADS = choice.threads;
  while (THREADS > MOST_SLICES * valueLanes) THREADS /= 2;
  for (;; THREADS /= 2) {
    for (let KEYS = Math.min(mostKeys, Math.ceil(choice.sweep * lanes / THREADS)); KEYS > 0; KEYS--) {
      const { besides, products, joined } = bytesOf(task, lanes, valueLanes, vectors, THREADS, KEYS);
      const smallest = KEYS === 1 && THREADS / 2 < Math.max(valueLanes, 32);
      if (smallest || besides + Math.max(products, joined) <= task.workgroupBytes) return { THREADS, KEYS };
    }
  }
}

/** Bytes of workgroup memory: of the lanes' sums, of slices' sums of one pair in their place, and of all else. */
function bytesOf(
  { pairs, headSize }: SplitTask,
  lanes: number,
  valueLanes: number,
  vectors: number,
  threads: number,
  keys: number,
) {
  const slices = Math.floor(threads / valueLanes);
  return {
    products: 4 * keys * pairs * (threads + 32),
    joined: 16 * vectors * (threads + valueLanes),
    // Rotated queries; of each slice three numbers; of each token its weights, two places, two positions and two scales.
    besides: 4 * pairs * (headSize + 3 * slices) + 4 * (pairs + 6) * keys * threads / lanes,
  };
}

/** Multiprocessors of the GPU that the choices are made for, and workgroups of which all run at once, two to four on each. */
const PROCESSORS = 132;
const TWO_EACH = 2 * PROCESSORS;
const THREE_EACH = 3 * PROCESSORS;
const FOUR_EACH = 4 * PROCESSORS;

/**
 * Short lists want as many workgroups as there are processors, of one sweep each; long ones no more than run at once, each of which
 * has many loads on their way.
 */
function usualChoice({ lists, places, keys, values, headSize, pairs }: SplitTask): SplitChoice {
  const sweeps = lists * places / 64;
  const long = sweeps > FOUR_EACH;
  const floats = keys === "f32" && values === "f32" && headSize <= 64;
  const usual = {
    threads: 128,
    sweep: 64,
    lanes: floats && pairs > 2 ? 4 : 8,
    early: true,
    groups: TWO_EACH,
    joined: MOST_JOINED,
  };
  if (!long) return sweeps < PROCESSORS ? { ...usual, sweep: 32 } : usual;
  // With little workgroup memory three run on a processor.
  if (headSize > 64 && headSize <= 128 && pairs <= 4) return { ...usual, groups: THREE_EACH, joined: 0 };
  if (headSize > 64) return usual;
  if (keys === "int8" || values === "int8") return { ...usual, sweep: 128, early: false };
  return floats ? { ...usual, groups: FOUR_EACH } : { ...usual, threads: 256, sweep: 128 };
}

/** The largest power of two that divides a number and is at most another one. */
function largestDivisor(of: number, most: number): number {
  let divisor = most;
  while (of % divisor !== 0) divisor /= 2;
  return divisor;
}

/** The largest number that divides another one and is at most a third, or 1. */
function largestPart(of: number, most: number): number {
  for (let part = Math.min(of, most); part > 1; part--) if (of % part === 0) return part;
  return 1;
}
