import type { Device, PooledBuffer } from "../gpu/mod.ts";
import { type DType, dtypeOf, elementBytes, type TensorData, viewAs } from "./dtype.ts";
import { displaySymbol } from "../notebook/mod.ts";
import { showTensor } from "./show_tensor.ts";
import { checkShape, elementCount, type Shape, shapeText } from "./shape.ts";

/** A buffer shared by a tensor and its reshaped views; the last one to be disposed gives it back. */
interface Storage {
  readonly buffer: PooledBuffer;
  owners: number;
}

/**
 * A dense row-major array on the GPU with an explicit lifetime.
 *
 * Whoever makes a tensor disposes it, best by `using`. Operations are recorded and run later;
 * reading a tensor waits for what it depends on.
 *
 * @example Making a tensor and reading it back
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3, 4, 5, 6]), [2, 3]);
 * assertEquals(x.shape, [2, 3]);
 * assertEquals([...await x.read()], [1, 2, 3, 4, 5, 6]);
 * ```
 */
export class Tensor {
  /** The device it lives on. */
  readonly device: Device;
  /** Sizes of its axes. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
  readonly #storage: Storage;
  #disposed = false;

  private constructor(
    device: Device,
    storage: Storage,
    shape: Shape,
    dtype: DType,
  ) {
    this.device = device;
    this.shape = shape;
    this.dtype = dtype;
    this.#storage = storage;
  }

  /**
   * A tensor with undefined contents, for a kernel to fill.
   *
   * @throws {MemoryBudgetError} where memory can't hold it.
   */
  static empty(
    device: Device,
    shape: Shape,
    dtype: DType = "f32",
    label = "tensor",
  ): Tensor {
    checkShape("Tensor.empty", shape);
    if (dtype === "f16" && !device.info.f16) {
      throw new TypeError(
        "Tensor.empty: this adapter has no working f16; use f32",
      );
    }
    const bytes = Math.max(
      4,
      Math.ceil(elementCount(shape) * elementBytes(dtype) / 4) * 4,
    );
    return new Tensor(
      device,
      { buffer: device.acquire(bytes, label), owners: 1 },
      [...shape],
      dtype,
    );
  }

  /** A tensor of zeros. */
  static zeros(
    device: Device,
    shape: Shape,
    dtype: DType = "f32",
    label = "tensor",
  ): Tensor {
    const tensor = Tensor.empty(device, shape, dtype, label);
    device.commands.clear(tensor.buffer);
    return tensor;
  }

  /**
   * A tensor with the host's data: Float32Array gives f32, Int32Array i32, Uint32Array u32, Uint16Array f16 (bit patterns).
   *
   * @throws {TypeError} where the data doesn't fill the shape.
   */
  static from(
    device: Device,
    data: TensorData,
    shape: Shape,
    label = "tensor",
  ): Tensor {
    checkShape("Tensor.from", shape);
    if (data.length !== elementCount(shape)) {
      throw new TypeError(
        `Tensor.from: ${data.length} elements do not fill shape ${shapeText(shape)}`,
      );
    }
    const tensor = Tensor.empty(device, shape, dtypeOf(data), label);
    device.commands.write(tensor.buffer, 0, data);
    return tensor;
  }

  /** Number of elements. */
  get size(): number {
    return elementCount(this.shape);
  }

  /** Bytes of its elements. */
  get bytes(): number {
    return this.size * elementBytes(this.dtype);
  }

  /**
   * The buffer underneath, for kernel bindings.
   *
   * @throws {Error} once the tensor is disposed.
   */
  get buffer(): PooledBuffer {
    if (this.#disposed) {
      throw new Error(
        `tensor ${shapeText(this.shape)} ${this.dtype} was used after it was disposed`,
      );
    }
    return this.#storage.buffer;
  }

  /**
   * The same elements under another shape; shares the buffer, and is disposed by its own owner.
   *
   * @throws {TypeError} where the number of elements differs.
   */
  reshape(shape: Shape): Tensor {
    checkShape("reshape", shape);
    if (elementCount(shape) !== this.size) {
      throw new TypeError(
        `reshape: ${shapeText(this.shape)} does not hold the elements of ${shapeText(shape)}`,
      );
    }
    void this.buffer;
    this.#storage.owners++;
    return new Tensor(this.device, this.#storage, [...shape], this.dtype);
  }

  /** Another owner of the same tensor. */
  share(): Tensor {
    void this.buffer;
    this.#storage.owners++;
    return new Tensor(this.device, this.#storage, this.shape, this.dtype);
  }

  /**
   * Brings the elements to the host; f16 comes as 16-bit patterns (`readFloats` widens them).
   *
   * @throws {GpuError} the first GPU error since the last read.
   */
  async read(): Promise<TensorData> {
    const bytes = this.bytes;
    const [data] = await this.device.readBack.read([{
      buffer: this.buffer,
      offset: 0,
      bytes,
    }]);
    return viewAs(this.dtype, data);
  }

  /** What a notebook shows of it: shape, type, a preview and a line of its values. */
  async [displaySymbol](): Promise<Record<string, unknown>> {
    return await showTensor(this);
  }

  /** Gives the buffer back once its last owner is gone. Disposing twice does nothing. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (--this.#storage.owners === 0) {
      this.device.buffers.release(this.#storage.buffer);
    }
  }
}
