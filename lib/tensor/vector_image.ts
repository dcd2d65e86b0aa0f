import type { Device, PooledImage } from "../gpu/mod.ts";
import type { Tensor } from "./tensor.ts";

/** Most texels of a row. */
const WIDTH = 4096;
/** Texels that a copied row is a multiple of: WebGPU copies rows of whole 256 bytes. */
const ROW_TEXELS = 16;

/** Vectors of whole texels copied to an image, row after row: the form in which software adapters read them fastest. */
export class VectorImage {
  /** The image. */
  readonly image: PooledImage;
  readonly #device: Device;

  private constructor(device: Device, image: PooledImage) {
    this.#device = device;
    this.image = image;
  }

  /** Copies f32 vectors of `vectors` vec4s; undefined where the device has no image for them. */
  static copy(tensor: Tensor, vectors: number, label: string): VectorImage | undefined {
    const { device } = tensor;
    const texels = tensor.size / 4;
    // Whole vectors a row, of whichever length.
    const width = Math.floor(WIDTH / (ROW_TEXELS * vectors)) * ROW_TEXELS * vectors;
    if (texels === 0 || width === 0) return undefined;
    const rows = Math.floor(texels / width);
    // Lengths grow step by step: heights come in few sizes, so that images are used again.
    const size = { width, height: 2 ** Math.ceil(Math.log2(Math.ceil(texels / width))) };
    if (!device.images.fits(size)) return undefined;
    const image = device.images.acquire(size, label);
    device.commands.copyToImage(tensor.buffer, 0, image, rows, texels % width);
    return new VectorImage(device, image);
  }

  /** Gives the image back. */
  [Symbol.dispose](): void {
    this.#device.images.release(this.image);
  }
}
