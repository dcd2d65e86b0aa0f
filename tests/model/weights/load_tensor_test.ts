import { assert, assertEquals, assertRejects } from "@std/assert";
import { TensorLoader } from "../../../lib/model/weights/load_tensor.ts";
import type { WeightStore } from "../../../lib/model/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

/** A store of one tensor whose element i is i modulo a prime; it remembers the most rows it was asked for. */
function counting(shape: readonly number[]): { store: WeightStore; most: () => number } {
  const width = shape.slice(1).reduce((product, size) => product * size, 1);
  let most = 0;
  const store: Pick<WeightStore, "has" | "entry" | "readRows"> = {
    has: (name) => name === "w",
    entry: () => ({ dtype: "F32", shape }),
    readRows: (_name, first, rows) => {
      most = Math.max(most, rows * width * 4);
      return Promise.resolve(Float32Array.from({ length: rows * width }, (_, i) => (first * width + i) % 8191));
    },
  };
  return { store: store as WeightStore, most: () => most };
}

gpuTest("TensorLoader brings a tensor over in pieces, as stored, transposed, in part and reordered", async (device) => {
  const [rows, width] = [4200, 600];
  const at = (row: number, column: number) => (row * width + column) % 8191;
  for (const transposed of [false, true]) {
    for (const part of [undefined, { first: 2100, count: 2100 }]) {
      for (const order of [undefined, [2, 0, 3, 1]]) {
        const { store, most } = counting([rows, width]);
        const loader = new TensorLoader(device, store);
        using loaded = await loader.load({ tensor: "w", shape: [rows, width], rows: part, order }, { transposed });
        await loader.finish();
        const { first, count } = part ?? { first: 0, count: rows };
        assertEquals(loaded.shape, transposed ? [width, count] : [count, width]);
        const numbers = await loaded.read();
        let wrong = 0;
        for (let row = 0; row < count; row++) {
          const stored = first + (order ? row - row % 4 + order[row % 4] : row);
          for (let column = 0; column < width; column++) {
            const place = transposed ? column * count + row : row * width + column;
            if (numbers[place] !== at(stored, column)) wrong++;
          }
        }
        assertEquals(wrong, 0, `transposed ${transposed}, part ${part?.first}, order ${order}`);
        assert(most() <= 2 ** 20, `${most()} bytes came through the host at once`);
      }
    }
  }
});

gpuTest("TensorLoader loads vectors, and names what is missing or of another shape", async (device) => {
  const { store } = counting([10]);
  const loader = new TensorLoader(device, store);
  using vector = await loader.load({ tensor: "w", shape: [10] });
  assertEquals([...await vector.read()], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  const wrong = { tensor: "w", shape: [2, 5] };
  await assertRejects(
    () => loader.load(wrong),
    RangeError,
    'tensor "w" has shape [10], but config.json asks for [2,5]',
  );
  await assertRejects(() => loader.load({ ...wrong, tensor: "v" }), RangeError, 'there is no tensor "v"');
});
