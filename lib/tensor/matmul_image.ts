import type { MatmulSizes } from "./matmul_plan.ts";
import { MatrixImage } from "./matrix_image.ts";
import type { Tensor } from "./tensor.ts";

/** Fewest rows for which a right side is worth being copied first. */
const WORTH_COPYING = 16;

/** Rows and vec4 columns of a thread, and lanes along the rows. */
interface Tile {
  ROWS: number;
  COLUMNS: number;
  LANE_ROWS: number;
}

/** A product that `multiplyImages` can do. */
export type ImageProduct = Omit<MatmulSizes, "elementBytes">;

/** Whether images can be, or are worth being, the sides of a product of tensors. */
export function imagesPay(
  a: Tensor,
  b: Tensor | MatrixImage,
  { rows, columns, depth, ...sizes }: ImageProduct,
): boolean {
  const { device } = a;
  if (!MatrixImage.pays(device, rows, depth) || rows * columns * 4 > device.commands.limits.bindingBytes) return false;
  if (b instanceof MatrixImage) return true;
  const [height, width] = sizes.transposed ? [columns, depth] : [depth, columns];
  return sizes.batches === 1 && rows >= WORTH_COPYING && MatrixImage.pays(device, height, width);
}

/** Multiplies images: `output` [rows, columns]. */
export function multiplyImages(left: MatrixImage, right: MatrixImage, output: Tensor, sizes: ImageProduct): void {
  const { rows, columns, depth, transposed } = sizes;
  const tile = tileOf(rows);
  const tiles = Math.ceil(rows / (tile.ROWS * tile.LANE_ROWS)) *
    Math.ceil(columns / (4 * tile.COLUMNS * 8 / tile.LANE_ROWS));
  output.device.commands.dispatch({
    kernel: "matmul_image",
    types: { Output: output.dtype },
    constants: { ...tile, TRANSPOSED: transposed ? 1 : 0 },
    params: { rows, columns, depth: depth / 4 },
    bindings: [{ image: left.image }, { image: right.image }, { buffer: output.buffer }],
    groups: tiles,
    work: rows * columns * depth * (tile.ROWS === 1 ? 0.5 : 0.15),
  });
}

/** Rows of a thread, with the speed of such tiles at 1024^3 (GFLOP/s on one machine; only their relations count). */
const ROW_TILES = [[16, 69], [12, 76], [8, 67]] as const;

/** Large tiles load little for what they multiply; those that rows fill best don't multiply in vain. */
function tileOf(rows: number): Tile {
  if (rows < 3) return { ROWS: rows, COLUMNS: 1, LANE_ROWS: 1 };
  if (rows < 12) return { ROWS: 8, COLUMNS: 2, LANE_ROWS: 1 };
  const time = ([tile, speed]: readonly [number, number]) => Math.ceil(rows / (2 * tile)) * tile / speed;
  const [ROWS] = ROW_TILES.reduce((best, tile) => time(tile) < time(best) ? tile : best);
  return { ROWS, COLUMNS: 4, LANE_ROWS: 2 };
}
