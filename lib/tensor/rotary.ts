import { LimitExceededError } from "../gpu/mod.ts";
import { checkDevice, checkType, tensorText } from "./checks.ts";
import { elementBytes } from "./dtype.ts";
import { newTensor } from "./output.ts";
import { Tensor } from "./tensor.ts";
import { elementGroups, vectorType, vectorWidth, wideType } from "./vectors.ts";
import { bindElements, freeWindows } from "./windows.ts";

/** Cosines and sines of the rotary angles, computed on the host. */
export interface RotaryTable {
  /** f32 [positions, d / 2]. */
  readonly cos: Tensor;
  /** f32 [positions, d / 2]. */
  readonly sin: Tensor;
}

/**
 * Rotary position embedding with given positions. Channel c of a head is paired with channel c + d/2 (half-split, as in Llama).
 *
 * @param x [batch, rows, heads, d], f32 or f16, d even
 * @param positions u32 [batch, rows] on the GPU, where a position past the table takes the table's last row;
 *   or batch * rows numbers on the host, which are checked
 * @param table angles for positions 0, 1, 2, ...
 * @returns a new tensor of x's shape and type, computed in f32
 * @throws {TypeError} where shapes or types do not fit, naming them.
 * @throws {RangeError} where a position given on the host is not a whole number inside the table.
 * @see Su et al. 2021, "RoFormer", equation 34
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { rotary, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * // One pair of channels and two positions: no turn, and a quarter turn.
 * using cos = Tensor.from(device, new Float32Array([1, 0]), [2, 1]);
 * using sin = Tensor.from(device, new Float32Array([0, 1]), [2, 1]);
 * using x = Tensor.from(device, new Float32Array([3, 4]), [1, 1, 1, 2]);
 * using y = rotary(x, [1], { cos, sin });
 * assertEquals([...await y.read()], [-4, 3]);
 * ```
 */
export function rotary(
  x: Tensor,
  positions: Tensor | ArrayLike<number>,
  table: RotaryTable,
): Tensor {
  checkType("rotary", x, ["f32", "f16"]);
  const [batch, rows, , size] = x.shape;
  if (x.shape.length !== 4 || size % 2) {
    throw new TypeError(`rotary: ${tensorText(x)} must be [batch, rows, heads, d] with an even d`);
  }
  checkTable(x, table);
  if (positions instanceof Tensor) {
    checkPositions(x, positions);
    return run(x, positions, table);
  }
  const numbers = hostPositions(positions, batch * rows, table.cos.shape[0]);
  using uploaded = Tensor.from(x.device, numbers, [batch, rows], "positions");
  return run(x, uploaded, table);
}

function run(x: Tensor, positions: Tensor, { cos, sin }: RotaryTable): Tensor {
  const { device, dtype } = x;
  const [batch, rows, heads, size] = x.shape;
  return newTensor(device, x.shape, dtype, (y) => {
    if (y.size === 0) return;
    for (
      const { start, count } of freeWindows(device, "rotary", batch * rows, [heads * size * elementBytes(dtype), 4])
    ) {
      const source = bindElements(x, start * heads * size, count * heads * size);
      const target = bindElements(y, start * heads * size, count * heads * size);
      const places = bindElements(positions, start, count);
      const width = vectorWidth(size / 2, source.first, target.first);
      const cut = elementGroups(device, count * heads * size / 2 / width);
      device.commands.dispatch({
        kernel: "rotary",
        ...cut,
        types: { Element: vectorType(dtype, width), Wide: wideType(dtype, width) },
        params: {
          rows: count,
          heads,
          pairs: size / 2 / width,
          table_rows: cos.shape[0],
          x_first: source.first / width,
          y_first: target.first / width,
          positions_first: places.first,
        },
        bindings: [source.binding, places.binding, { buffer: cos.buffer }, { buffer: sin.buffer }, target.binding],
        work: 16 * count * heads * size,
      });
    }
  });
}

function checkTable(x: Tensor, { cos, sin }: RotaryTable): void {
  const pairs = x.shape[3] / 2;
  for (const side of [cos, sin]) {
    checkDevice("rotary", x, side);
    checkType("rotary", side, ["f32"]);
    const fits = side.shape.length === 2 && side.shape[1] === pairs && side.shape[0] === cos.shape[0];
    if (!fits || (side.shape[0] === 0 && x.size > 0)) {
      throw new TypeError(
        `rotary: tables ${tensorText(cos)} and ${tensorText(sin)} must both be [positions, ${pairs}] for ${
          tensorText(x)
        }`,
      );
    }
    const { bindingBytes } = x.device.commands.limits;
    if (side.bytes > bindingBytes) {
      throw new LimitExceededError(
        `rotary: a table of ${side.bytes} bytes does not fit one binding of ${bindingBytes} bytes; use fewer positions`,
      );
    }
  }
}

function checkPositions(x: Tensor, positions: Tensor): void {
  checkDevice("rotary", x, positions);
  checkType("rotary", positions, ["u32"]);
  const [batch, rows] = x.shape;
  if (positions.shape.length === 2 && positions.shape[0] === batch && positions.shape[1] === rows) return;
  throw new TypeError(
    `rotary: positions ${tensorText(positions)} must be [batch, rows] of ${tensorText(x)}`,
  );
}

function hostPositions(positions: ArrayLike<number>, wanted: number, tableRows: number): Uint32Array<ArrayBuffer> {
  if (positions.length !== wanted) {
    throw new TypeError(`rotary: ${positions.length} positions were given for ${wanted} rows`);
  }
  return Uint32Array.from(positions, (position) => {
    if (Number.isInteger(position) && position >= 0 && position < tableRows) return position;
    throw new RangeError(
      `rotary: position ${position} must be a whole number from 0 to ${tableRows - 1}, the last one of the table`,
    );
  });
}
