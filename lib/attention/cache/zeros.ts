import type { Device } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";

/** Zeros (u32) that calls find and leave as zeros, made at their first use and their owner's: one tensor for each label and shape. */
export class Zeros implements Disposable {
  readonly #tensors = new Map<string, Tensor>();

  /** None yet. */
  constructor(readonly device: Device) {}

  /** Those of a label and shape. */
  of(label: string, shape: readonly number[]): Tensor {
    const key = `${label} ${shape}`;
    let tensor = this.#tensors.get(key);
    if (!tensor) this.#tensors.set(key, tensor = Tensor.zeros(this.device, shape, "u32", label));
    return tensor;
  }

  /** Gives the buffers back. */
  [Symbol.dispose](): void {
    for (const tensor of this.#tensors.values()) tensor[Symbol.dispose]();
  }
}
