import { Tensor } from "../../tensor/mod.ts";
import { type AttendedTokens, disposeAttended, shareAttended } from "../attended_tokens.ts";

/**
 * The lists that a held selection came to, one a layer. Later steps attend to the same tokens and to those cached since, which
 * stand behind a list without being in it: nothing is listed anew.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { HeldLists } from "@reattention/toolkit/attention";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using indices = Tensor.from(device, new Uint32Array([0, 1, 99]), [1, 1, 3]);
 * using counts = Tensor.from(device, new Uint32Array([3]), [1, 1]);
 * using lists = new HeldLists();
 * lists.keep(0, { indices, counts, selections: 1, bound: 3 }, 100);
 * const list = lists.at(0, 102)!; // two tokens later
 * assertEquals([list.newer, list.bound], [{ first: 100, tokens: 2 }, 5]);
 * for (const tensor of [list.indices, list.counts]) tensor[Symbol.dispose]();
 * ```
 */
export class HeldLists {
  readonly #lists: (AttendedTokens | undefined)[] = [];
  /** Tokens cached when the lists were made: the first one that is in none of them. */
  #end = 0;
  /** u32 [1], the longest list. */
  #longest: Tensor | undefined;

  /** Keeps a layer's list, made when `end` tokens were cached; it stays the caller's too. */
  keep(layer: number, attended: AttendedTokens, end: number): void {
    if (end !== this.#end) this[Symbol.dispose]();
    this.#end = end;
    this.#longest ??= Tensor.zeros(attended.counts.device, [1], "u32", "longest held list");
    raiseTo(this.#longest, attended.counts, 0);
    this.#lists[layer] = shareAttended(attended);
  }

  /** A layer's list when `length` tokens are cached, if there is one; the caller gives it back. */
  at(layer: number, length: number): AttendedTokens | undefined {
    const list = this.#lists[layer];
    const tokens = length - this.#end;
    return list && { ...shareAttended(list), bound: list.bound + tokens, newer: { first: this.#end, tokens } };
  }

  /** Raises a number to how many tokens the longest list comes to when `length` tokens are cached. */
  raise(scope: Tensor, length: number): void {
    if (this.#longest) raiseTo(scope, this.#longest, length - this.#end);
  }

  /** Gives the lists back. */
  [Symbol.dispose](): void {
    for (const list of this.#lists) if (list) disposeAttended(list);
    this.#lists.length = 0;
    this.#longest?.[Symbol.dispose]();
    this.#longest = undefined;
  }
}

function raiseTo(highest: Tensor, numbers: Tensor, more: number): void {
  highest.device.commands.dispatch({
    kernel: "raise_to",
    params: { count: numbers.size, more },
    bindings: [{ buffer: numbers.buffer }, { buffer: highest.buffer }],
    groups: 1,
    work: numbers.size,
  });
}
