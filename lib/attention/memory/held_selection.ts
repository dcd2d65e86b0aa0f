import * as z from "../../zod.ts";
import { concat, slice, Tensor } from "../../tensor/mod.ts";
import { HeldLists } from "./held_lists.ts";
import { factsOf, savedCount, type SavedState } from "./saved_state.ts";

/** What one layer picked for one sequence. */
export interface LayerPicks {
  /** Marked tokens of the middle, one bit each, u32 [1, selections, words]. */
  readonly marks: Tensor;
  /** Kept candidates and their votes, u32 [1, selections, room, 2]. */
  readonly centers: Tensor;
  /** How many, u32 [1, selections]. */
  readonly centerCounts: Tensor;
}

/** When a sequence last selected, and which steps have gone on with that. */
export interface HeldShape {
  /** What the selecting step did. */
  readonly phase: "prefill" | "decode";
  /** First token of the window when it selected. */
  readonly windowStart: number;
  /** Most tokens picked from the middle. */
  readonly picked: number;
  /** Tokens cached after the last step that used it. */
  readonly end: number;
  /** Steps that went on with it. */
  readonly age: number;
}

/** The same after a step more went on with it, behind which `end` tokens are cached. */
export function goneOn(held: HeldShape, end: number): HeldShape {
  return { ...held, end, age: held.age + 1 };
}

const savedSelection = z.object({
  shape: z.object({
    phase: z.enum(["prefill", "decode"]),
    windowStart: savedCount,
    picked: savedCount,
    end: savedCount,
    age: savedCount,
  }),
  layers: z.array(savedCount),
});

/**
 * A sequence's last selection, kept so that later steps can attend to the same tokens (the knob `recallEvery`).
 *
 * @example
 * ```ts
 * import { HeldSelection } from "@reattention/toolkit/attention";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * using held = new HeldSelection({ phase: "decode", windowStart: 100, picked: 32, end: 400, age: 0 });
 * assertThrows(() => held.picks(0), RangeError, "layer 0 has picked nothing");
 * using fork = held.fork();
 * assertEquals(fork.shape.windowStart, 100);
 * ```
 */
export class HeldSelection {
  /** When it was made and used. */
  shape: HeldShape;
  /** The lists that it came to, where steps can go on with them. A fork and a file are without: they are made again. */
  readonly lists: HeldLists = new HeldLists();
  readonly #layers: (LayerPicks | undefined)[] = [];

  /** A selection that no layer has given its picks for yet. */
  constructor(shape: HeldShape) {
    this.shape = shape;
  }

  /** Keeps what a layer picked; takes it over. */
  hold(layer: number, picks: LayerPicks): void {
    disposePicks(this.#layers[layer]);
    this.#layers[layer] = picks;
  }

  /** What a layer picked. */
  picks(layer: number): LayerPicks {
    const picks = this.#layers[layer];
    if (!picks) throw new RangeError(`held selection: layer ${layer} has picked nothing`);
    return picks;
  }

  /** The same selection, used on its own. */
  fork(): HeldSelection {
    const fork = new HeldSelection(this.shape);
    this.#layers.forEach((picks, layer) => {
      if (picks) fork.hold(layer, sharePicks(picks));
    });
    return fork;
  }

  /** What it holds, for a file. */
  save(): SavedState {
    const layers = [...this.#layers.keys()].filter((layer) => this.#layers[layer]);
    const tensors = layers.flatMap((layer) => {
      const { marks, centers, centerCounts } = sharePicks(this.#layers[layer]!);
      return [marks, centers, centerCounts];
    });
    const facts: z.infer<typeof savedSelection> = { shape: this.shape, layers };
    return { facts, tensors };
  }

  /** The selection that was saved; takes the state over. */
  static restore({ facts, tensors }: SavedState): HeldSelection {
    const { shape, layers } = factsOf("saved selection", facts, savedSelection);
    const held = new HeldSelection(shape);
    layers.forEach((layer, index) => {
      const [marks, centers, centerCounts] = tensors.slice(3 * index);
      held.hold(layer, { marks, centers, centerCounts });
    });
    return held;
  }

  /** Gives the buffers back. */
  [Symbol.dispose](): void {
    for (const picks of this.#layers) disposePicks(picks);
    this.#layers.length = 0;
    this.lists[Symbol.dispose]();
  }
}

/** The same picks with owners of their own. */
export function sharePicks({ marks, centers, centerCounts }: LayerPicks): LayerPicks {
  return { marks: marks.share(), centers: centers.share(), centerCounts: centerCounts.share() };
}

/** One sequence's part of picks made for a batch. */
export function picksOf(batch: LayerPicks, sequence: number): LayerPicks {
  if (batch.marks.shape[0] === 1) return sharePicks(batch);
  const part = (x: Tensor) => {
    const [, ...rest] = x.shape;
    return slice(x, [sequence, ...rest.map(() => 0)], [1, ...rest]);
  };
  return { marks: part(batch.marks), centers: part(batch.centers), centerCounts: part(batch.centerCounts) };
}

/** Marks of several sequences as one tensor, u32 [batch, selections, words]; undefined ones mark nothing. */
export function joinMarks(marks: readonly (Tensor | undefined)[]): Tensor {
  if (marks.length === 1) return marks[0]!.share();
  const words = Math.max(...marks.map((tensor) => tensor?.shape[2] ?? 0));
  const some = marks.find((tensor) => tensor !== undefined)!;
  const padded = marks.map((tensor) => {
    const missing = words - (tensor?.shape[2] ?? 0);
    if (tensor && missing === 0) return tensor.share();
    const zeros = Tensor.zeros(some.device, [1, some.shape[1], missing], "u32", "no marks");
    if (!tensor) return zeros;
    using rest = zeros;
    return concat([tensor, rest], 2);
  });
  try {
    return concat(padded, 0);
  } finally {
    for (const tensor of padded) tensor[Symbol.dispose]();
  }
}

function disposePicks(picks: LayerPicks | undefined): void {
  if (!picks) return;
  for (const tensor of [picks.marks, picks.centers, picks.centerCounts]) tensor[Symbol.dispose]();
}
