import { gatedLinear, linear, matmul, type Tensor } from "../../lib/tensor/mod.ts";
import { dotTiles, vectorQuestion, type VectorSizes, vectorTile, vectorTiles } from "../../lib/tensor/vector_tiles.ts";
import { type BenchCase, errorAt, opened, somePlaces } from "../bench/bench_case.ts";
import { inputTensor, inputValue } from "../bench/inputs.ts";
import type { Question } from "./question.ts";

const EPSILON = 1e-5;

/** Products of one row, as in decoding: one of each class of shapes, of a size that a device can time in moments. */
export function rowProducts(software: boolean): Question[] {
  const f32 = { elementBytes: 4 };
  const other = software ? 512 : 2048;
  const shapes: VectorSizes[] = [
    ...[1024, 2048, 8192].map((columns) => ({ ...f32, depth: other, columns, transposed: false })),
    ...[512, 2048, 4096, 8192].map((depth) => ({ ...f32, depth, columns: other, transposed: true })),
    { ...f32, depth: 2048, columns: other, transposed: true, normed: true },
    { ...f32, depth: 2048, columns: 2 * other, transposed: true, normed: true, paired: true },
  ];
  return shapes.map((sizes) => ({
    name: vectorQuestion(sizes),
    options: sizes.transposed ? dotTiles : vectorTiles,
    usual: (device) => vectorTile(device, sizes).name,
    item: rowProduct(sizes),
  }));
}

function rowProduct(sizes: VectorSizes): BenchCase {
  const { depth, columns, transposed, normed, paired } = sizes;
  const rows = columns * (paired ? 2 : 1);
  const places = somePlaces(columns, 64);
  return {
    group: "tune",
    shape: `1x${depth}x${rows}`,
    dtype: "f32",
    limit: null,
    amount: 2 * depth * rows,
    tolerance: 1e-4,
    open(device) {
      const x = inputTensor(device, 0, [1, depth]);
      const matrix = inputTensor(device, 1, transposed ? [rows, depth] : [depth, columns]);
      const weight = inputTensor(device, 2, [depth]);
      const options = normed ? { norm: { weight, epsilon: EPSILON } } : {};
      const record = (): Tensor => {
        if (!transposed) return matmul(x, matrix);
        return paired ? gatedLinear(x, matrix, options) : linear(x, matrix, [columns], options)[0];
      };
      return opened([x, matrix, weight], record, (found) => errorAt(found, places, expectedAt(sizes, places)));
    },
  };
}

/** By the plain definition, in double precision. */
function expectedAt({ depth, columns, transposed, normed, paired }: VectorSizes, places: readonly number[]): number[] {
  let x = Array.from({ length: depth }, (_, k) => inputValue(0, k));
  if (normed) {
    const factor = 1 / Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / depth + EPSILON);
    x = x.map((value, k) => value * factor * inputValue(2, k));
  }
  const product = (column: number) =>
    x.reduce((sum, value, k) => sum + value * inputValue(1, transposed ? column * depth + k : k * columns + column), 0);
  return places.map((place) => {
    const sum = product(place);
    return paired ? sum / (1 + Math.exp(-sum)) * product(place + columns) : sum;
  });
}
