import { type DType, matmul, Tensor } from "../../../lib/tensor/mod.ts";
import { type BenchCase, errorAt, opened, somePlaces } from "../bench_case.ts";
import { inputTensor, inputValue } from "../inputs.ts";

/** More bytes than a GPU's caches hold: an H100's hold 50 MB. */
const PAST_CACHES = 2 ** 28;

type Sizes = readonly [rows: number, depth: number, columns: number];

const SQUARES = [512, 1024, 2048, 4096];
/** Prefill chunks and decode steps of the demo model (hidden 256) and of 1B-shaped and 8B-shaped Llamas. */
const SKINNY: readonly Sizes[] = [
  [128, 256, 704],
  [512, 256, 704],
  [128, 2048, 8192],
  [512, 2048, 2048],
  [512, 8192, 2048],
];
const VECTORS: readonly Sizes[] = [[1, 2048, 2048], [1, 2048, 8192], [1, 8192, 2048], [1, 4096, 14336]];

/** Products of square and skinny matrices as shares of the multiply-add rate. */
export function matmulCases(software: boolean): BenchCase[] {
  const squares = SQUARES.map((size): Sizes => [size, size, size]);
  const shapes = [...squares, ...SKINNY].filter(([rows, depth, columns]) => {
    // 4096^3 takes a software adapter seconds a run.
    return !software || rows * depth * columns < 2 ** 36 || rows === 4096;
  });
  return shapes.flatMap((sizes) => (["f32", "f16"] as const).map((dtype) => product("matmul", sizes, dtype)));
}

/** Products of one row, as in decoding, as shares of copy bandwidth: the right side, [K, N] or [N, K], is read once. */
export function vectorCases(): BenchCase[] {
  const dtypes = ["f32", "f16"] as const;
  return ["decode matmul", "decode matmul transposed"].flatMap((group) =>
    VECTORS.flatMap((sizes) => dtypes.map((dtype) => product(group, sizes, dtype)))
  );
}

function product(group: string, [rows, depth, columns]: Sizes, dtype: DType): BenchCase {
  const places = somePlaces(rows * columns, 64);
  const expected = () => Float64Array.from(places, (place) => element([rows, depth, columns], place, transposeRight));
  const bytes = (rows * depth + rows * columns) * 4 + depth * columns * (dtype === "f16" ? 2 : 4);
  const reads = group !== "matmul";
  const transposeRight = group.endsWith("transposed");
  return {
    group,
    shape: `${rows}x${depth}x${columns}`,
    dtype,
    limit: reads ? "copy" : "multiply-add",
    amount: reads ? bytes : 2 * rows * depth * columns,
    // A sum of `depth` products in f32; the inputs are exact in both types.
    tolerance: 1e-4,
    ...(dtype === "f32" && !transposeRight &&
      { peer: { op: "matmul", sizes: [rows, depth, columns], places, expected } }),
    open(device) {
      const left = inputTensor(device, 0, [rows, depth]);
      const right = inputTensor(device, 1, transposeRight ? [columns, depth] : [depth, columns], dtype);
      const rights = reads && !device.info.software ? [right, ...copiesPastCaches(right)] : [right];
      let turn = 0;
      const result = () => matmul(left, rights[turn++ % rights.length], { transposeRight });
      return opened([left, ...rights], result, (found) => errorAt(found, places, expected()));
    },
  };
}

/** More of the same matrix, so that no cache holds all: a decode step, too, comes back to a layer's weights after all others. */
function copiesPastCaches(matrix: Tensor): Tensor[] {
  const { device, shape, dtype, buffer, bytes } = matrix;
  return Array.from({ length: Math.ceil(PAST_CACHES / bytes) }, () => {
    const copy = Tensor.empty(device, shape, dtype);
    device.commands.copy(buffer, 0, copy.buffer, 0, bytes);
    return copy;
  });
}

function element([, depth, columns]: Sizes, place: number, transposed: boolean): number {
  const row = Math.floor(place / columns);
  const column = place % columns;
  let sum = 0;
  const right = (k: number) => transposed ? column * depth + k : k * columns + column;
  for (let k = 0; k < depth; k++) sum += inputValue(0, row * depth + k) * inputValue(1, right(k));
  return sum;
}
