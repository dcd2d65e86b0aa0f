import type { Tensor } from "../tensor/mod.ts";

/** Tokens attended to, as the GPU knows them. */
export interface AttendedTokens {
  /** Positions in the whole context, rising, u32 [batch, selections, bound]. */
  readonly indices: Tensor;
  /** How many of them, u32 [batch, selections]. */
  readonly counts: Tensor;
  /** The grid that gathering them needs, u32 [3]; undefined where they are not gathered. */
  readonly grid?: Tensor;
  /** 1 where all heads share one list, or the number of KV heads. */
  readonly selections: number;
  /** Most tokens a list can hold. */
  readonly bound: number;
  /** Whether each list is all of its sequence's tokens: it can then be attended to in windows. Default false. */
  readonly all?: boolean;
  /**
   * Tokens that came since the lists of one sequence were made, the first of them and how many: they are attended to behind each
   * list, and only attention that is split over tokens knows them. Default: none.
   */
  readonly newer?: { readonly first: number; readonly tokens: number };
}

/** A list's tensors once more, for whoever keeps it longer than its owner; `disposeAttended` gives them back. */
export function shareAttended(attended: AttendedTokens): AttendedTokens {
  const { indices, counts, grid } = attended;
  return { ...attended, indices: indices.share(), counts: counts.share(), ...(grid && { grid: grid.share() }) };
}

/** Gives a list's buffers back. */
export function disposeAttended(
  { indices, counts, grid }: AttendedTokens,
): void {
  indices[Symbol.dispose]();
  counts[Symbol.dispose]();
  grid?.[Symbol.dispose]();
}
