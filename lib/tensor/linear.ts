import { add } from "./elementwise.ts";
import { checkDevice, checkType, tensorText } from "./checks.ts";
import { FEW_ROWS, linearVariant } from "./linear_variant.ts";
import { matmul } from "./matmul.ts";
import type { MatmulTile } from "./matmul_tiles.ts";
import { slice } from "./rearrange.ts";
import { rmsNorm } from "./rms_norm.ts";
import { sameShape, type Shape, shapeText } from "./shape.ts";
import { siluGate } from "./silu_gate.ts";
import { Tensor } from "./tensor.ts";
import { vectorTile } from "./vector_tiles.ts";

/** What surrounds a linear map. */
export interface LinearOptions {
  /** Norm of x's rows before it: an RMS norm's weight f32 [K] and its epsilon. Default none. */
  norm?: { readonly weight: Tensor; readonly epsilon: number };
  /** Numbers to add to each row of the result, f32 [N]. Default none. */
  bias?: Tensor;
  /** A tensor to add to the result, f32 [rows, N]. Default none. */
  residual?: Tensor;
}

/**
 * Linear maps of the same rows, `norm(x) W^T + bias` each: one matrix after the other in one tensor.
 *
 * With few rows a GPU does all of it in one call; elsewhere it is the norm, a product for each map and the sums.
 *
 * @param x f32 [rows, K]
 * @param weight f32 or f16 [N, K], the matrices' rows one after the other
 * @param columns outputs of each map; together N
 * @param options norm, bias and, of a single map, the residual
 * @returns f32 [rows, columns[i]] for each map, new tensors
 * @throws {TypeError} where shapes or types do not fit, naming them.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { linear, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2, 3, 4]), [1, 4]);
 * using weight = Tensor.from(device, new Float32Array([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1]), [3, 4]);
 * const [first, second] = linear(x, weight, [1, 2]);
 * assertEquals([...await first.read(), ...await second.read()], [1, 2, 7]);
 * first[Symbol.dispose]();
 * second[Symbol.dispose]();
 * ```
 */
export function linear(
  x: Tensor,
  weight: Tensor,
  columns: readonly number[],
  options: LinearOptions = {},
): Tensor[] {
  const { norm, bias, residual } = options;
  check(x, weight, weight.shape[0], total(columns), options);
  if (residual && columns.length !== 1) throw new TypeError("linear: a residual goes with a single map");
  const tile = fusedTile(x, weight, norm !== undefined);
  const together = tile && columns.length !== 2 && columns.length <= 3 && !(bias && residual);
  if (together) return fused(x, weight, columns, tile, options);
  using normed = norm ? rmsNorm(x, norm.weight, norm.epsilon) : x.share();
  let start = 0;
  return columns.map((count) => {
    const first = start;
    start += count;
    const part = columns.length > 1 ? { columns: { start: first, count } } : {};
    let result = matmul(normed, weight, { transposeRight: true, ...part });
    if (bias) {
      using own = slice(bias, [first], [count]);
      result = replaced(result, (product) => add(product, own));
    }
    return residual ? replaced(result, (product) => add(residual, product)) : result;
  });
}

/**
 * The gated half of a feed-forward block: `silu(norm(x) G^T) * (norm(x) U^T)`, the matrices G and U in one tensor. With few rows a
 * GPU does all of it in one call.
 *
 * @param x f32 [rows, K]
 * @param weight f32 or f16 [2 N, K]: G's rows, then U's
 * @param options the norm before it, and a bias [2 N]
 * @returns f32 [rows, N], a new tensor
 * @throws {TypeError} where shapes or types do not fit, naming them.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { gatedLinear, Tensor } from "@reattention/toolkit/tensor";
 * import { assertAlmostEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 0, 0, 0]), [1, 4]);
 * using weight = Tensor.from(device, new Float32Array([1, 0, 0, 0, 3, 0, 0, 0]), [2, 4]);
 * using y = gatedLinear(x, weight);
 * assertAlmostEquals((await y.read())[0], 3 / (1 + Math.exp(-1)), 1e-6);
 * ```
 */
export function gatedLinear(x: Tensor, weight: Tensor, options: Omit<LinearOptions, "residual"> = {}): Tensor {
  const columns = weight.shape[0] / 2;
  check(x, weight, weight.shape[0], 2 * Math.ceil(columns), options);
  const { norm, bias } = options;
  const tile = bias ? undefined : fusedTile(x, weight, norm !== undefined, true);
  if (tile) return fused(x, weight, [columns], tile, { norm, paired: true })[0];
  const [gate, up] = linear(x, weight, [columns, columns], options);
  using _gate = gate;
  using _up = up;
  return siluGate(gate, up);
}

/** The way to do it in one call, if there is one here: few rows, on a device that does few rows by whole workgroups. */
function fusedTile(x: Tensor, weight: Tensor, normed: boolean, paired = false): MatmulTile | undefined {
  const [rows, depth] = x.shape;
  const columns = weight.shape[0] / (paired ? 2 : 1);
  const elementBytes = weight.dtype === "f16" ? 2 : 4;
  const { bindingBytes } = x.device.commands.limits;
  const fits = rows > 0 && rows <= FEW_ROWS && depth % 8 === 0 && weight.bytes <= bindingBytes;
  if (!fits) return undefined;
  const tile = vectorTile(x.device, { columns, depth, elementBytes, transposed: true, normed, paired });
  return tile.constants ? tile : undefined;
}

function fused(
  x: Tensor,
  weight: Tensor,
  columns: readonly number[],
  tile: MatmulTile,
  { norm, bias, residual, paired = false }: LinearOptions & { paired?: boolean },
): Tensor[] {
  const { device } = x;
  const [rows, depth] = x.shape;
  const all = total(columns);
  const split = columns.length === 3;
  const { constants, loaded, groupColumns, load } = linearVariant(tile, {
    rows,
    depth,
    elementBytes: weight.dtype === "f16" ? 2 : 4,
    normed: norm !== undefined,
    paired,
    extra: residual ? "residual" : bias ? "bias" : "none",
  });
  const outputs = columns.map((count) => Tensor.empty(device, [rows, count]));
  const right = { buffer: weight.buffer };
  // What a variant has no use for is bound to something that is there.
  const normWeight = norm ? { buffer: norm.weight.buffer } : right;
  const extra = residual ?? bias;
  const bindings = [{ buffer: x.buffer }, right, normWeight, extra ? { buffer: extra.buffer } : right];
  for (const { buffer } of outputs) bindings.push({ buffer });
  device.commands.dispatch({
    kernel: split ? "linear_rows_split" : "linear_rows",
    constants,
    types: split ? { Loaded: loaded, Left: "f32" } : { Loaded: loaded, Left: "f32", Output: "f32" },
    params: {
      columns: all,
      depth: depth / load,
      left_first: 0,
      left_row: depth / 4,
      right_first: 0,
      right_row: depth / load,
      ...(split ? { first_columns: columns[0], second_columns: columns[1] } : { output_first: 0, output_row: all }),
      epsilon: norm?.epsilon ?? 0,
    },
    bindings,
    groups: Math.ceil(all / groupColumns),
    work: rows * weight.size,
  });
  return outputs;
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function replaced(tensor: Tensor, by: (tensor: Tensor) => Tensor): Tensor {
  using _old = tensor;
  return by(tensor);
}

function check(
  x: Tensor,
  weight: Tensor,
  found: number,
  wanted: number,
  { norm, bias, residual }: LinearOptions,
): void {
  checkDevice("linear", weight, x);
  checkType("linear", x, ["f32"]);
  checkType("linear", weight, ["f32", "f16"]);
  const fits = x.shape.length === 2 && weight.shape.length === 2 && weight.shape[1] === x.shape[1] && found === wanted;
  if (!fits) {
    throw new TypeError(
      `linear: ${tensorText(x)} and ${tensorText(weight)} do not fit: x [rows, K] needs [${wanted}, K]`,
    );
  }
  if (norm) checkExtra(weight, norm.weight, [x.shape[1]]);
  if (bias) checkExtra(weight, bias, [wanted]);
  if (residual) checkExtra(weight, residual, [x.shape[0], wanted]);
}

function checkExtra(weight: Tensor, tensor: Tensor, shape: Shape): void {
  checkDevice("linear", weight, tensor);
  checkType("linear", tensor, ["f32"]);
  if (sameShape(tensor.shape, shape)) return;
  throw new TypeError(`linear: ${tensorText(tensor)} must have the shape ${shapeText(shape)}`);
}
