import type { Device } from "../../gpu/mod.ts";
import { concat, slice, Tensor } from "../../tensor/mod.ts";
import { listAttended } from "../attend/list_attended.ts";
import {
  type AttendCall,
  type AttendedTokens,
  type AttentionStep,
  type AttentionWatch,
  type ChangedAttention,
  disposeAttended,
  shareAttended,
} from "../step.ts";

/** Tokens side by side. */
export interface TokenSpan {
  /** First token, in the whole context. */
  readonly start: number;
  /** One past the last token. */
  readonly end: number;
}

/** What attention is made to look at, and where. */
export interface AttendedChange {
  /** Layers. Default: all. */
  readonly layers?: readonly number[];
  /** Query heads: only their attention changes. Default: all. */
  readonly heads?: readonly number[];
  /** Tokens attended to whatever was selected. */
  readonly force?: readonly TokenSpan[];
  /** Tokens not attended to whatever was selected; what is forced and forbidden is forbidden. */
  readonly forbid?: readonly TokenSpan[];
}

/**
 * Changes what steps attend to: tokens are added to the list that a layer's method made, or taken out of it, and attention runs
 * over the new list, renumbered where positions are compact, as if the method had made that one. A step's own tokens are attended
 * to in any case. Selection itself, and what it records, stays as it was.
 *
 * With heads, attention runs over both lists and each head's output is taken from one of them: a head's own list is what its
 * attention can see, since votes of all heads make one selection (ALGORITHM section 5).
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
 * using watch = new attention.AttendedEdit(device, { force: [{ start: 40, end: 50 }] });
 * const context = { method: new attention.StreamingAttention(attention.presets.demo), cache, rotation, scope, watch };
 * using step = new attention.AttentionStep(context, 1, { phase: "decode", first: false });
 * using queries = Tensor.zeros(device, [1, 1, 1, 2]);
 * using _output = attention.attendOuter(step, 0, queries);
 * assertEquals([...await scope.read()], [32 + 10 + 256]); // ten tokens more than the method asked for
 * ```
 */
export class AttendedEdit implements AttentionWatch {
  readonly #layers: ReadonlySet<number> | undefined;
  readonly #heads: readonly number[] | undefined;
  readonly #forced: Tensor;
  readonly #forbidden: Tensor;
  readonly #added: number;
  #attentions = 0;

  /** `change` is checked by the caller: whole numbers, spans that are not empty. */
  constructor(device: Device, { layers, heads, force = [], forbid = [] }: AttendedChange) {
    this.#layers = layers && new Set(layers);
    this.#heads = heads;
    const words = Math.max(1, Math.ceil(Math.max(0, ...[...force, ...forbid].map(({ end }) => end)) / 32));
    this.#forced = Tensor.from(device, marksOf(force, words), [words], "forced tokens");
    this.#forbidden = Tensor.from(device, marksOf(forbid, words), [words], "forbidden tokens");
    this.#added = force.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** Attentions that ran over changed lists; none where a method does not attend over listed tokens. */
  get attentions(): number {
    return this.#attentions;
  }

  /** Attention over the changed list; with heads, over both. */
  attend({ step, layer, attended }: AttendCall): ChangedAttention | undefined {
    if (this.#layers && !this.#layers.has(layer)) return undefined;
    this.#attentions++;
    const edited = this.#edit(step, attended);
    const lists = this.#heads ? [edited, shareAttended(attended)] : [edited];
    return {
      lists,
      join: ([changed, usual]) => usual ? this.#joined(usual, changed) : changed.share(),
      [Symbol.dispose]: () => lists.forEach(disposeAttended),
    };
  }

  /** Gives the buffers back. */
  [Symbol.dispose](): void {
    this.#forced[Symbol.dispose]();
    this.#forbidden[Symbol.dispose]();
  }

  #edit(step: AttentionStep, attended: AttendedTokens): AttendedTokens {
    const { batch, lengths } = step.context.cache;
    const { device, rows } = step;
    const { selections, bound } = attended;
    // All that was cached before the step is its middle here, and its own tokens the window.
    const parts = lengths.flatMap((length) => [length, 0, length - rows, length - rows]);
    using layout = Tensor.from(device, Uint32Array.from(parts), [batch, 4], "edited layout");
    const longest = Math.max(...lengths);
    const stride = Math.max(1, Math.ceil((longest - rows) / 32));
    using marks = Tensor.empty(device, [batch, selections, stride], "u32", "edited marks");
    device.commands.dispatch({
      kernel: "edit_attended",
      params: {
        selections: batch * selections,
        selections_per_sequence: selections,
        step_rows: rows,
        indices_stride: bound,
        words: this.#forced.size,
        marks_stride: stride,
      },
      bindings: [attended.indices, attended.counts, layout, this.#forced, this.#forbidden, marks].map(({ buffer }) => ({
        buffer,
      })),
      groups: Math.ceil(batch * selections * stride / 64),
      work: batch * selections * stride * 32,
    });
    return listAttended(step, selections, Math.min(longest, bound + this.#added), marks, layout);
  }

  /** The chosen heads' outputs from one tensor, all others' from another. */
  #joined(usual: Tensor, changed: Tensor): Tensor {
    const [batch, rows, heads, size] = usual.shape;
    const chosen = new Set(this.#heads);
    const parts = Array.from({ length: heads }, (_, head) => {
      return slice(chosen.has(head) ? changed : usual, [0, 0, head, 0], [batch, rows, 1, size]);
    });
    try {
      return concat(parts, 2);
    } finally {
      for (const part of parts) part[Symbol.dispose]();
    }
  }
}

/** One bit for each token. */
function marksOf(spans: readonly TokenSpan[], words: number): Uint32Array<ArrayBuffer> {
  const marks = new Uint32Array(words);
  for (const { start, end } of spans) {
    for (let token = start; token < end; token++) marks[token >>> 5] |= 1 << (token & 31);
  }
  return marks;
}
