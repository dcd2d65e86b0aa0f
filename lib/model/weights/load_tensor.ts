import type { Device } from "../../gpu/mod.ts";
import { cast, type DType, Tensor, writeBlock } from "../../tensor/mod.ts";
import { WeightsHash } from "./weights_hash.ts";
import { reorderRows } from "../config/rotary_layout.ts";
import type { WeightStore } from "./safetensors.ts";
import type { WantedTensor } from "./weight_plan.ts";

/** Bytes, as f32, that pass through the host at a time. */
const PIECE = 1 * 2 ** 20;
/** Bytes on their way to the GPU before their copies are waited for: what is on its way takes the host's memory. */
const ON_THE_WAY = 16 * 2 ** 20;

/** Where a tensor goes. */
export interface LoadPlace {
  /** Whether [outputs, inputs] is to become [inputs, outputs]. Default false. */
  readonly transposed?: boolean;
  /** A larger tensor that it becomes rows of. Default: a tensor of its own. */
  readonly into?: Tensor;
  /** The first of these rows. Default 0. */
  readonly firstRow?: number;
}

/** Brings tensors of a checkpoint to the GPU in pieces, as f32 or matrices as f16, so that no whole tensor passes through the host. */
export class TensorLoader {
  readonly #device: Device;
  readonly #store: WeightStore;
  readonly #matrixType: DType;
  readonly #hash = new WeightsHash();
  #onTheWay = 0;

  /** Reads from `store`. */
  constructor(device: Device, store: WeightStore, matrixType: "f32" | "f16" = "f32") {
    this.#matrixType = matrixType;
    this.#device = device;
    this.#store = store;
  }

  /**
   * Loads one tensor.
   *
   * @returns the tensor it is in, a new one unless it goes into another
   * @throws {RangeError} naming the tensor that is missing or has another shape than wanted.
   * @throws {MemoryBudgetError} where memory can't hold it.
   */
  async load(wanted: WantedTensor, { transposed = false, into, firstRow = 0 }: LoadPlace = {}): Promise<Tensor> {
    this.#check(wanted);
    const { tensor, shape: [stored, width = 1], order } = wanted;
    const { first, count } = wanted.rows ?? { first: 0, count: stored };
    const shape = wanted.shape.length === 1 ? [count] : transposed ? [width, count] : [count, width];
    const type = shape.length === 1 ? "f32" : this.#matrixType;
    const loaded = into ?? Tensor.empty(this.#device, shape, type, "weights");
    if (this.#store.fill) {
      this.#store.fill(tensor, loaded, firstRow);
      return loaded;
    }
    try {
      for (let done = 0; done < count;) {
        const rows = Math.min(count - done, rowsAtOnce(width, order?.length ?? 1));
        // A device that only counts has seen what a piece takes, and needs no numbers.
        if (this.#device.counts && done > 0) break;
        const floats = await this.#store.readRows(tensor, first + done, rows);
        this.#hash.add(tensor, first + done, floats);
        await this.#write(loaded, order ? reorderRows(floats, order, width) : floats, {
          transposed,
          width,
          first: firstRow + done,
          rows,
        });
        done += rows;
      }
      return loaded;
    } catch (error) {
      if (!into) loaded[Symbol.dispose]();
      throw error;
    }
  }

  /** Tells what was loaded from other weights. */
  get weightsHash(): string {
    return this.#hash.text;
  }

  /** Waits until all that was loaded is on the GPU. */
  async finish(): Promise<void> {
    await this.#device.finish();
    this.#onTheWay = 0;
  }

  async #write(
    loaded: Tensor,
    floats: Float32Array<ArrayBuffer>,
    { transposed, width, first, rows }: { transposed: boolean; width: number; first: number; rows: number },
  ): Promise<void> {
    if (transposed || loaded.dtype !== "f32") {
      using wide = Tensor.from(this.#device, floats, [rows, width], "weights on their way");
      using piece = loaded.dtype === "f32" ? wide.share() : cast(wide, loaded.dtype);
      if (transposed) writeBlock(loaded, [0, first], piece, [1, 0]);
      else writeBlock(loaded, [first, 0], piece);
    } else {
      this.#device.commands.write(loaded.buffer, first * width * 4, floats);
    }
    this.#onTheWay += floats.byteLength;
    if (this.#onTheWay >= ON_THE_WAY) await this.finish();
  }

  #check({ tensor, shape }: WantedTensor): void {
    if (!this.#store.has(tensor)) {
      throw new RangeError(`weights: there is no tensor "${tensor}", which config.json asks for`);
    }
    const found = this.#store.entry(tensor).shape;
    if (found.length !== shape.length || found.some((size, axis) => size !== shape[axis])) {
      throw new RangeError(`weights: tensor "${tensor}" has shape [${found}], but config.json asks for [${shape}]`);
    }
  }
}

/** Rows of a piece: whole heads, where rows are reordered within them. */
function rowsAtOnce(width: number, headRows: number): number {
  return Math.max(1, Math.floor(PIECE / (4 * width * headRows))) * headRows;
}
