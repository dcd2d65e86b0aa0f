import * as z from "../../zod.ts";
import type { Device } from "../../gpu/mod.ts";
import { concat, slice, Tensor } from "../../tensor/mod.ts";
import type { LayerMemory } from "./layer_memory.ts";
import { factsOf, savedCount, type SavedState } from "./saved_state.ts";

/** Steps that can be undone: answers run ahead by fewer. */
const MOST_VERSIONS = 72;

/** What a layer has not evicted after a step. */
export interface KeptVersion {
  /** Tokens cached after the step. */
  readonly end: number;
  /** The step's phase; undefined before the first. */
  readonly phase: "prefill" | "decode" | undefined;
  /** Tokens kept, in each KV head. */
  readonly count: number;
  /** Their positions in the context, rising, u32 [1, KV heads, count]; undefined where none is kept. */
  readonly tokens?: Tensor;
  /** Their weights so far, f32 of the same shape. */
  readonly weights?: Tensor;
}

const savedVersions = z.object({
  kind: z.literal("kept tokens"),
  versions: z.array(z.object({
    end: savedCount,
    phase: z.optional(z.enum(["prefill", "decode"])),
    count: savedCount,
    hasTensors: z.boolean(),
  })),
});

/** The tokens that a layer has not evicted; versions of earlier steps stay, so that tokens can be dropped again. */
export class KeptTokens implements LayerMemory {
  #versions: KeptVersion[] = [{ end: 0, phase: undefined, count: 0 }];

  /** Bytes of the last list; those before it are for undoing steps. */
  get bytes(): number {
    const { tokens, weights } = this.latest;
    return (tokens?.bytes ?? 0) + (weights?.bytes ?? 0);
  }

  /** What was kept last. */
  get latest(): KeptVersion {
    const latest = this.#versions.at(-1);
    if (latest) return latest;
    throw new RangeError(
      `eviction: more than the last ${MOST_VERSIONS} steps were dropped, and the tokens evicted before can't come back; ` +
        "fork the session before steps that are to be undone",
    );
  }

  /** Keeps a step's outcome and takes it over. Of what was before a chunk of a prompt, only the last step can come back. */
  push(version: KeptVersion): void {
    if (version.phase === "prefill") {
      for (const old of this.#versions.splice(0, this.#versions.length - 1)) disposeVersion(old);
    }
    this.#versions.push(version);
    if (this.#versions.length > MOST_VERSIONS) disposeVersion(this.#versions.shift()!);
  }

  /** The same tokens, going their own way. */
  fork(): KeptTokens {
    const fork = new KeptTokens();
    fork.#versions = this.#versions.map((version) => ({
      ...version,
      tokens: version.tokens?.share(),
      weights: version.weights?.share(),
    }));
    return fork;
  }

  /** What it holds, for a file: all versions, so that tokens can still be dropped. */
  save(): SavedState {
    const versions = this.#versions.map(({ end, phase, count, tokens }) => {
      return { end, count, hasTensors: tokens !== undefined, ...(phase && { phase }) };
    });
    const facts: z.infer<typeof savedVersions> = { kind: "kept tokens", versions };
    const tensors = this.#versions.flatMap(({ tokens, weights }) => tokens && weights ? [tokens, weights] : []);
    return { facts, tensors: tensors.map((tensor) => tensor.share()) };
  }

  /** The memory that was saved; takes the state over. */
  static restore({ facts, tensors }: SavedState): KeptTokens {
    const { versions } = factsOf("saved kept tokens", facts, savedVersions);
    const memory = new KeptTokens();
    let next = 0;
    memory.#versions = versions.map(({ hasTensors, end, phase, count }) => ({
      end,
      phase,
      count,
      ...(hasTensors && { tokens: tensors[next++], weights: tensors[next++] }),
    }));
    return memory;
  }

  /** Goes back to what was kept after `length` tokens, or at the last step before. */
  truncate(length: number): void {
    while (this.#versions.length > 0 && this.#versions.at(-1)!.end > length) disposeVersion(this.#versions.pop()!);
  }

  /** Gives the buffers back. */
  [Symbol.dispose](): void {
    for (const version of this.#versions.splice(0)) disposeVersion(version);
  }
}

function disposeVersion({ tokens, weights }: KeptVersion): void {
  tokens?.[Symbol.dispose]();
  weights?.[Symbol.dispose]();
}

/** A version's tokens and weights, and those of all tokens up to `length`, which weigh nothing yet; filled up to `bound`. */
export function extendKept(
  device: Device,
  { end, count, tokens, weights }: KeptVersion,
  { heads, length, bound }: { heads: number; length: number; bound: number },
): { tokens: Tensor; weights: Tensor } {
  const fresh = bound - count;
  const row = Array.from({ length: fresh }, (_, place) => Math.min(end + place, length - 1));
  const all = Uint32Array.from({ length: heads * fresh }, (_, place) => row[place % fresh]);
  const newTokens = Tensor.from(device, all, [1, heads, fresh], "new tokens");
  const newWeights = Tensor.zeros(device, [1, heads, fresh], "f32", "new weights");
  if (!tokens || !weights) return { tokens: newTokens, weights: newWeights };
  using ownTokens = newTokens;
  using ownWeights = newWeights;
  return { tokens: concat([tokens, ownTokens], 2), weights: concat([weights, ownWeights], 2) };
}

/** Which entries of a list stay. */
export interface Keeping {
  /** Entries of the list, in each head. */
  readonly count: number;
  /** The last so many stay anyhow. */
  readonly recent: number;
  /** Of those before, the heaviest so many. */
  readonly heavy: number;
  /** Tokens on each side whose weight counts for a token too. */
  readonly half: number;
}

/**
 * Keeps the newest entries of each head's list and the heaviest of the others, in their order.
 *
 * @param tokens u32 [1, heads, count or more]
 * @param weights what entries are weighed by, f32 of the same shape
 * @param carried what is kept of each entry; f32 of the same shape
 */
export function keepHeaviest(
  tokens: Tensor,
  weights: Tensor,
  carried: Tensor,
  { count, recent, heavy, half }: Keeping,
): { tokens: Tensor; weights: Tensor; count: number } {
  const { device, shape: [, lists, stride] } = tokens;
  const older = Math.max(0, count - recent);
  const kept = Math.min(older, heavy) + count - older;
  const groups = Math.ceil(lists * stride / 64);
  const work = lists * stride * count;
  const bind = (...tensors: Tensor[]) => tensors.map(({ buffer }) => ({ buffer }));
  using pooled = half > 0 ? Tensor.empty(device, weights.shape, "f32", "pooled weights") : weights.share();
  if (half > 0) {
    device.commands.dispatch({
      kernel: "pool_weights",
      params: { lists, stride, count: older, half },
      bindings: bind(weights, pooled),
      groups,
      work: lists * stride * (2 * half + 1),
    });
  }
  using marks = Tensor.empty(device, tokens.shape, "u32", "kept marks");
  device.commands.dispatch({
    kernel: "mark_heaviest",
    params: { lists, stride, count: older, end: count, most: heavy },
    bindings: bind(pooled, marks),
    groups,
    work,
  });
  const keptTokens = Tensor.empty(device, [1, lists, kept], "u32", "kept tokens");
  const keptWeights = Tensor.empty(device, [1, lists, kept], "f32", "kept weights");
  device.commands.dispatch({
    kernel: "keep_marked",
    params: { lists, stride, end: count, kept_stride: kept },
    bindings: bind(marks, tokens, carried, keptTokens, keptWeights),
    groups,
    work,
  });
  return { tokens: keptTokens, weights: keptWeights, count: kept };
}

/** One sequence's part of a tensor of a batch, cut to `count` entries. */
export function partOf(x: Tensor, sequence: number, count: number): Tensor {
  const [, heads] = x.shape;
  return slice(x, [sequence, 0, 0], [1, heads, count]);
}
