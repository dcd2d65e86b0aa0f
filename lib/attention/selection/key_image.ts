import type { Device, PooledImage } from "../../gpu/mod.ts";
import type { ScoredPages } from "./score_source.ts";

/** Most texels of a row. */
const WIDTH = 4096;
/** Texels that a copied row is a multiple of: WebGPU copies rows of whole 256 bytes. */
const ROW_TEXELS = 16;

/** Pages copied to an image of four floats a texel: the form in which software adapters read keys fastest. */
export class KeyImage {
  /** The image; the pages' vectors lie in it row after row. */
  readonly image: PooledImage;
  readonly #device: Device;

  private constructor(device: Device, image: PooledImage) {
    this.#device = device;
    this.image = image;
  }

  /** Copies pages of f32 vectors of `vectors` vec4s; undefined where the device has no image for them. */
  static copy(device: Device, pages: ScoredPages, vectors: number): KeyImage | undefined {
    const { heads, page_tokens } = pages.addressing;
    const width = Math.floor(WIDTH / vectors) * vectors;
    const texels = pages.used * heads * page_tokens * vectors;
    // A step later the context is longer: heights come in few sizes, so that images are used again.
    const rows = Math.ceil(texels / width);
    const size = { width, height: 2 ** Math.ceil(Math.log2(rows)) };
    // Whole rows are copied, so the buffer must reach to the end of the last one.
    const fits = width % ROW_TEXELS === 0 && rows * width * 16 <= pages.buffer.gpu.size && device.images.fits(size);
    if (!fits || pages.type !== "f32") return undefined;
    const image = device.images.acquire(size, "keys to score");
    device.commands.copyToImage(pages.buffer, 0, image, rows);
    return new KeyImage(device, image);
  }

  /** Gives the image back. */
  [Symbol.dispose](): void {
    this.#device.images.release(this.image);
  }
}
