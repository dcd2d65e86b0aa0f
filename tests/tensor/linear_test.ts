import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type Device, type Dispatch, type KernelName } from "../../lib/gpu/mod.ts";
import { cast, gatedLinear, linear, Tensor } from "../../lib/tensor/mod.ts";
import { dotTiles, vectorQuestions } from "../../lib/tensor/vector_tiles.ts";
import { assertClose } from "../assert_close.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { randomFloats } from "./cases.ts";

interface Case {
  rows: number;
  depth: number;
  columns: number[];
  norm: boolean;
  extra: "none" | "bias" | "residual";
  half: boolean;
  tile: string;
}

/** Rows by the plain definition, in double precision. */
function expectedRows(x: Float32Array, weight: Float32Array, { rows, depth }: Case, norm?: Float32Array): number[][] {
  return Array.from({ length: rows }, (_, r) => {
    const row = [...x.subarray(r * depth, (r + 1) * depth)];
    const factor = norm ? 1 / Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / depth + 1e-5) : 1;
    const normed = row.map((value, k) => value * factor * (norm ? norm[k] : 1));
    return Array.from({ length: weight.length / depth }, (_, n) => {
      return normed.reduce((sum, value, k) => sum + value * weight[n * depth + k], 0);
    });
  });
}

/** Sets the tile of all shapes. */
function pickForAll({ choices }: Device, name: string | undefined): void {
  for (const question of vectorQuestions(true)) choices.pick(question, name);
}

const silu = (value: number) => value / (1 + Math.exp(-value));

async function compare(device: Device, each: Case): Promise<void> {
  const { rows, depth, columns, norm, extra, half, tile } = each;
  const all = columns.reduce((sum, count) => sum + count, 0);
  // Halves are exact in the comparison too.
  const numbers = randomFloats(all * depth, 2, half ? "f16" : "f32");
  const [left, normWeight, bias, residual] = [rows * depth, depth, all, rows * all].map((count, seed) =>
    randomFloats(count, seed + 3, "f32")
  );
  using x = Tensor.from(device, left, [rows, depth]);
  using wide = Tensor.from(device, numbers, [all, depth]);
  using weight = half ? cast(wide, "f16") : wide.share();
  using normTensor = Tensor.from(device, normWeight, [depth]);
  using biasTensor = Tensor.from(device, bias, [all]);
  using residualTensor = Tensor.from(device, residual, [rows, all]);
  const products = expectedRows(left, numbers, each, norm ? normWeight : undefined);
  pickForAll(device, tile);
  const options = norm ? { norm: { weight: normTensor, epsilon: 1e-5 } } : {};
  const results = linear(x, weight, columns, {
    ...options,
    ...(extra === "bias" && { bias: biasTensor }),
    ...(extra === "residual" && { residual: residualTensor }),
  });
  let first = 0;
  for (const [index, count] of columns.entries()) {
    using result = results[index];
    assertEquals(result.shape, [rows, count]);
    const expected = products.flatMap((row, r) =>
      row.slice(first, first + count).map((value, n) => {
        return value + (extra === "bias" ? bias[first + n] : extra === "residual" ? residual[r * all + n] : 0);
      })
    );
    // Sums of up to some hundred products of numbers near 1, in f32.
    assertClose(await result.read() as Float32Array, Float32Array.from(expected), { absolute: 2e-4, label: tile });
    first += count;
  }
  if (all % 2 === 0 && extra === "none") {
    using gated = gatedLinear(x, weight, options);
    const expected = products.flatMap((row) => row.slice(0, all / 2).map((value, n) => silu(value) * row[all / 2 + n]));
    const largest = Math.max(1, ...expected.map(Math.abs));
    assertClose(await gated.read() as Float32Array, Float32Array.from(expected), { absolute: 1e-4 * largest });
  }
  pickForAll(device, undefined);
}

gpuTest(
  "linear maps (parts/row_products) are the norm, the products and the sums, by every tile and by separate calls",
  async (device) => {
    const cases = fc.record({
      rows: fc.integer({ min: 1, max: 6 }),
      depth: fc.integer({ min: 1, max: 40 }).map((count) => 8 * count),
      columns: fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 4 }),
      norm: fc.boolean(),
      extra: fc.constantFrom("none" as const, "bias" as const, "residual" as const),
      half: fc.boolean().map((half) => half && device.info.f16),
      tile: fc.constantFrom(...dotTiles.map(({ name }) => name)),
    }).map((each): Case => each.extra === "residual" ? { ...each, columns: each.columns.slice(0, 1) } : each);
    await fc.assert(fc.asyncProperty(cases, (each) => compare(device, each)), { numRuns: 60, seed: 7 });
  },
);

gpuTest("rows come out the same whatever other rows are with them", async (device) => {
  pickForAll(device, dotTiles[0].name);
  const numbers = randomFloats(4 * 64, 1, "f32");
  using x = Tensor.from(device, numbers, [4, 64]);
  using weight = Tensor.from(device, randomFloats(24 * 64, 2, "f32"), [24, 64]);
  using together = linear(x, weight, [24])[0];
  const expected = await together.read() as Float32Array;
  for (let row = 0; row < 4; row++) {
    using one = Tensor.from(device, numbers.slice(row * 64, (row + 1) * 64), [1, 64]);
    using alone = linear(one, weight, [24])[0];
    assertEquals(await alone.read(), expected.slice(row * 24, (row + 1) * 24));
  }
  pickForAll(device, undefined);
});

gpuTest("few rows take one call where workgroups do them, more of them separate ones", (device) => {
  const called: KernelName[] = [];
  const { commands } = device;
  commands.dispatch = (call: Dispatch) => {
    called.push(call.kernel);
    Object.getPrototypeOf(commands).dispatch.call(commands, call);
  };
  pickForAll(device, dotTiles[0].name);
  try {
    for (const [depth, rows] of [[64, 1], [8192, 4], [64, 5]]) {
      using x = Tensor.zeros(device, [rows, depth]);
      using weight = Tensor.zeros(device, [12, depth]);
      using norm = Tensor.zeros(device, [depth]);
      for (const map of linear(x, weight, [4, 4, 4], { norm: { weight: norm, epsilon: 1e-6 } })) map[Symbol.dispose]();
    }
    assertEquals(called.slice(0, 3), ["linear_rows_split", "linear_rows_split", "rms_norm_wide"]);
    assert(called.length > 3);
  } finally {
    pickForAll(device, undefined);
    Reflect.deleteProperty(commands, "dispatch");
  }
});

gpuTest("linear names what does not fit", (device) => {
  using x = Tensor.zeros(device, [2, 8]);
  using weight = Tensor.zeros(device, [6, 8]);
  using bias = Tensor.zeros(device, [5]);
  using residual = Tensor.zeros(device, [2, 6]);
  assertThrows(
    () => linear(x, weight, [3, 4]),
    TypeError,
    "[2, 8] f32 and [6, 8] f32 do not fit: x [rows, K] needs [7, K]",
  );
  assertThrows(() => linear(x, weight, [6], { bias }), TypeError, "must have the shape [6]");
  assertThrows(() => linear(x, weight, [3, 3], { residual }), TypeError, "a residual goes with a single map");
  using odd = Tensor.zeros(device, [5, 8]);
  assertThrows(() => gatedLinear(x, odd), TypeError, "needs [6, K]");
});
