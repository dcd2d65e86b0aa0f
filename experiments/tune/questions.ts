import type { Device } from "../../lib/gpu/mod.ts";
import { attentionQuestion, attentionTile, attentionTilesFor } from "../../lib/tensor/attention_tiles.ts";
import { matmul } from "../../lib/tensor/mod.ts";
import { matmulQuestion, matmulTile, matmulTiles } from "../../lib/tensor/matmul_tiles.ts";
import { type BenchCase, errorAt, opened, somePlaces } from "../bench/bench_case.ts";
import { attentionCases } from "../bench/groups/attention.ts";
import { inputTensor, inputValue } from "../bench/inputs.ts";
import type { Question } from "./question.ts";
import { rowProducts } from "./row_products.ts";

type Sizes = readonly [rows: number, depth: number, columns: number];

/** All questions, with sizes that a device can time in moments. */
export function questions(device: Device): Question[] {
  const { software } = device.info;
  // Software adapters multiply images where sizes are multiples of 64; tiles are for the other sizes.
  const products: Sizes[] = software
    ? [[64, 260, 708], [256, 516, 1028], [1028, 260, 2052]]
    : [[128, 256, 704], [512, 1024, 1024], [2048, 2048, 2048]];
  const lengths = software ? ["512"] : ["4096"];
  const attention = attentionCases(software).filter(({ shape }) => lengths.includes(shape.split("x")[0]));
  return [
    ...products.map((sizes): Question => {
      const [rows, , columns] = sizes;
      return {
        name: matmulQuestion(rows, columns),
        options: matmulTiles,
        usual: () => matmulTile(device, rows, columns).name,
        item: product(sizes),
      };
    }),
    ...rowProducts(software),
    ...attention.map((item): Question => {
      // As attentionCases has them: rows, then query heads on KV heads, then channels.
      const [rows, queryHeads, heads, channels] = item.shape.split(/[x/]/).map(Number);
      const pairs = rows * queryHeads / heads;
      return {
        name: attentionQuestion(channels / 4),
        options: attentionTilesFor(channels / 4),
        usual: () => attentionTile(device, pairs, channels / 4).name,
        item,
      };
    }),
  ];
}

function product([rows, depth, columns]: Sizes): BenchCase {
  const places = somePlaces(rows * columns, 64);
  const expected = places.map((place) => {
    let sum = 0;
    for (let k = 0; k < depth; k++) {
      sum += inputValue(0, Math.floor(place / columns) * depth + k) * inputValue(1, k * columns + place % columns);
    }
    return sum;
  });
  return {
    group: "tune",
    shape: `${rows}x${depth}x${columns}`,
    dtype: "f32",
    limit: null,
    amount: 2 * rows * depth * columns,
    tolerance: 1e-4,
    open(device) {
      const a = inputTensor(device, 0, [rows, depth]);
      const b = inputTensor(device, 1, [depth, columns]);
      return opened(
        [a, b],
        () => matmul(a, b),
        (found) => errorAt(found, places, expected),
      );
    },
  };
}
