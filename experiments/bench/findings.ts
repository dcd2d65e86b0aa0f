import type { Row } from "./row.ts";

/** A target, and what a record's row has against it. */
export interface TargetResult {
  /** Group, shape and type of the row. */
  readonly what: string;
  /** What is asked for, in words. */
  readonly wanted: string;
  /** What was measured, in the same unit. */
  readonly measured: string;
  /** Whether that reaches it. */
  readonly met: boolean;
  /** Floating-point operations for each byte that has to move; undefined for whole models, and ops that only move numbers. */
  readonly intensity?: number;
  /** What can't be gone past: the lower of the roofs at this intensity. */
  readonly bound: "memory" | "arithmetic";
  /** Where a target is missed: what was tried. */
  readonly tried?: string;
}

/** A target that a row is held against. */
export type Finding = Omit<TargetResult, "intensity" | "bound">;

const REPEATED = "twice as many and half as many threads, rows and loads a thread";
/** What was tried against a miss, by the start of the row's name. Said by people: no record holds it. */
const TRIED: readonly (readonly [start: string, words: string])[] = [
  ["matmul", "eighteen tiles; WebGPU gives no matrix units and no asynchronous copies"],
  [
    "decode matmul",
    `staggered rows; ${REPEATED}; loads replaced one by one as they are used, several blocks of columns a workgroup, shapes as ` +
    "constants; an empty call that waits for the one before takes 2.7 us alone",
  ],
  [
    "prefill attention",
    "tiles of 32 to 128 pairs by 64 or 128 keys, 4x8 to 8x16 products a thread; keys and queries as they lie in memory, queries " +
    "kept in workgroup memory, two buffers (17 to 41 %); loops not written out (a seventh slower); parts of 64 to 1,024 keys, or of " +
    "equal length; tiles past about 24 KB ran as if alone on a processor. At 512 tokens half the rate is 9 us with heads of 64, but a " +
    "call takes 3 us before its first tile, and a tile of 64x128 alone on its processor 12 us from loads to sums, of which 4 are " +
    "multiply-adds; at 2,048 the last parts leave processors idle, and the join takes a twentieth; at 16,384 a first call is cut in " +
    "two, so that no submit holds a slower card long: uncut it reached 52 to 53 % with heads of 64",
  ],
  [
    "prefill selection",
    "lists in workgroup memory while scoring (a sixth of the scores' rate); queries kept there (a third slower); the clip with its " +
    "digits counted in 4 or 8 copies (no faster); at 8,192 keys on an H200, of 172 us the scores took 123, looking at the groups and " +
    "scoring again 26, votes and one workgroup's clip 22 to 24; 1.15 leaves 18. Votes read as they lie took 4 us less",
  ],
  [
    "decode selection",
    "lists while scanning; one workgroup that picks for all queries; sums in two copies, to save a barrier (slower); groups of 8, 16, " +
    "64 and 128 tokens; 512 threads a query; one call that waits for the scan is left: 12 of 34 us at 131,072 tokens on an H200",
  ],
  [
    "decode attention, full",
    "49 plans of threads, tokens a sweep, lanes and parts (21 to 50 us with the join at 16,384 tokens of the 1B shape, H200); turning " +
    "queries instead of keys; of two calls that wait for each other 6 us are no reading",
  ],
  [
    "decode attention",
    "128 and 512 threads a query; groups of 4 and of a quarter as many tokens; half and twice as many workgroups that scan (none " +
    "faster on an H100); votes without sorting (1 to 2 us less): of 40 us at 16,384 tokens of the 1B shape the scan took 10, finding " +
    "and ranking the best 9, votes and the list 7, attention 13",
  ],
  [
    "prefill demo",
    "chunks as long as the window; on an H100 4,096 tokens were 1,393 calls of 45 us, and 1,003 of 40 with full attention: each has too " +
    "few workgroups for the card",
  ],
  ["prefill llama", "chunks as long as the window allows (960 tokens), or of whole tiles of 128 rows (896: slower)"],
];

const TRIED_DECODING =
  "fewer, larger calls; bind groups and calls known by their place; tokens read every 300 ms of steps; 512 calls " +
  "a submit, a pass a step";

/** That a row reaches so much of its limit. */
export function share(row: Row, wanted: number, what: string): Finding {
  const reached = row.shareOfLimit!;
  return result(row, `${percent(wanted)} or more of ${what}`, percent(reached), reached >= wanted);
}

/** That a row takes at most so many times as long as something else. */
export function atMost(row: Row, what: string, wanted: number, measured: number): Finding {
  return result(row, `at most ${wanted} ${what}`, `${measured.toFixed(2)} times`, measured <= wanted);
}

/** A share in words. */
export function percent(share: number): string {
  // Never rounded up: 49.6 % of wanted 50 is a miss, and reads so.
  return `${Math.floor(100 * share)} %`;
}

/** What a row has against a target. */
export function result(row: Row, wanted: string, measured: string, met: boolean): Finding {
  const what = nameOf(row);
  const tried = TRIED.find(([start]) => what.startsWith(start))?.[1] ?? decodeWords(row);
  return { what, wanted, measured, met, ...(!met && tried !== undefined && { tried }) };
}

/** Where a token's time goes, by the row, and what was tried against it; undefined for rows that are none of decoding a model. */
function decodeWords(row: Row): string | undefined {
  const [host, gpu] = [noted(row, "host ms"), noted(row, "GPU ms")];
  if (host === undefined) return undefined;
  const kernels = gpu === undefined ? "" : `, kernels ${gpu.toFixed(2)} ms`;
  return `of ${row.milliseconds.toFixed(2)} ms the host is busy ${host.toFixed(2)} ms${kernels}; ${TRIED_DECODING}`;
}

/** A number that a row tells of. */
export function noted(row: Row, name: string): number | undefined {
  const note = row.notes?.[name];
  return typeof note === "number" ? note : undefined;
}

/** Group, shape and type of a row, and the variant of ours. */
export function nameOf({ group, shape, dtype, implementation }: Row): string {
  return `${group} ${shape} ${dtype}${implementation.replace(/^ours/, "")}`;
}
