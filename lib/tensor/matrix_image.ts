import type { Device, ImageSize, PooledImage } from "../gpu/mod.ts";
import { checkType, tensorText } from "./checks.ts";
import type { Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Texels that a row of a copied image is a multiple of: WebGPU copies rows of whole 256 bytes. */
const ROW_TEXELS = 16;

/**
 * A matrix as an image of four floats a texel: the form in which software adapters multiply fastest.
 *
 * @example A product by an image, where that pays
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { matmul, MatrixImage, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array(64).fill(2), [1, 64]);
 * using matrix = Tensor.from(device, new Float32Array(64 * 64).fill(1), [64, 64]);
 * using image = MatrixImage.pays(device, 64, 64) ? MatrixImage.copy(matrix) : undefined;
 * using y = matmul(x, image ?? matrix);
 * assertEquals([...await y.read()], new Array(64).fill(128));
 * ```
 */
export class MatrixImage {
  /** The device it lives on. */
  readonly device: Device;
  /** Rows and columns. */
  readonly shape: Shape;
  /** Type of its numbers. */
  readonly dtype = "f32";
  /** The image, `shape[1] / 4` texels wide. */
  readonly image: PooledImage;
  #disposed = false;

  private constructor(device: Device, shape: Shape, image: PooledImage) {
    this.device = device;
    this.shape = shape;
    this.image = image;
  }

  /** Whether a matrix of so many rows and columns can be an image on this device, and is multiplied faster so. */
  static pays(device: Device, rows: number, columns: number): boolean {
    const size = sizeOf(rows, columns);
    return device.info.software && rows > 0 && columns > 0 && size.width % ROW_TEXELS === 0 && device.images.fits(size);
  }

  /**
   * Copies a matrix.
   *
   * @param tensor f32 [rows, columns], of which `pays` is true
   * @throws {TypeError} where it is not.
   * @throws {MemoryBudgetError} where memory can't hold it.
   */
  static copy(tensor: Tensor, label = "matrix image"): MatrixImage {
    checkType("MatrixImage.copy", tensor, ["f32"]);
    const [rows, columns] = tensor.shape.slice(-2);
    if (tensor.size !== rows * columns || !MatrixImage.pays(tensor.device, rows, columns)) {
      throw new TypeError(`MatrixImage.copy: ${tensorText(tensor)} can't be an image on this device; see pays`);
    }
    const { device } = tensor;
    const image = device.images.acquire(sizeOf(rows, columns), label);
    device.commands.copyToImage(tensor.buffer, 0, image, rows);
    return new MatrixImage(device, [rows, columns], image);
  }

  /** Gives the image back. */
  [Symbol.dispose](): void {
    if (this.#disposed) return;
    this.#disposed = true;
    this.device.images.release(this.image);
  }
}

function sizeOf(rows: number, columns: number): ImageSize {
  return { width: columns / 4, height: rows };
}
