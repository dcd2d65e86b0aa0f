import { assertEquals, assertThrows } from "@std/assert";
import { type Device, type Dispatch, KernelChoices, type KernelName } from "../../lib/gpu/mod.ts";
import * as reference from "../../lib/reference/mod.ts";
import { cast, causalAttention, matmul, MatrixImage, Tensor } from "../../lib/tensor/mod.ts";
import {
  attentionQuestion,
  attentionSplits,
  attentionTile,
  attentionTiles,
  attentionTilesFor,
} from "../../lib/tensor/attention_tiles.ts";
import { matmulTiles } from "../../lib/tensor/matmul_tiles.ts";
import { dotTiles, vectorQuestion, vectorQuestions, vectorTile, vectorTiles } from "../../lib/tensor/vector_tiles.ts";
import { rowProducts } from "../../experiments/tune/row_products.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { assertClose } from "../assert_close.ts";
import { randomFloats, randomWholes } from "./cases.ts";

/** Sizes with whole tiles and without, and past one tile of every kind. */
const SHAPES = [[64, 64, 64], [200, 100, 132], [17, 36, 260], [40, 128, 192]] as const;
const FEW = [[1, 100, 132], [3, 64, 64], [2, 36, 4100]] as const;
/** With halves: whole loads of eight, and sides that have none. */
const HALVES = [[1, 64, 136], [2, 40, 64], [1, 36, 4100]] as const;

for (const transposeRight of [false, true]) {
  const side = transposeRight ? "a transposed right side" : "a right side as it is";
  gpuTest(`every tile of matmul gives whole numbers exactly, with ${side}`, async (device) => {
    const check = async ([rows, depth, columns]: readonly [number, number, number], half = false) => {
      const left = randomWholes(rows * depth, 1);
      const right = randomWholes(depth * columns, 2);
      const shape = transposeRight ? [columns, depth] : [depth, columns];
      using a = Tensor.from(device, left, [rows, depth]);
      using whole = Tensor.from(device, right, shape);
      using b = half ? cast(whole, "f16") : whole.share();
      using product = matmul(a, b, { transposeRight });
      const expected = reference.matmul(reference.dense(left, [rows, depth]), reference.dense(right, shape), {
        transposeRight,
      });
      assertEquals([...await product.read()], [...expected.data].map((value) => value + 0));
    };
    const pickAll = (questions: readonly string[], name: string | undefined) => {
      for (const question of questions) device.choices.pick(question, name);
    };
    const products = ["matmul small", "matmul middle", "matmul large"];
    for (const { name } of matmulTiles) {
      pickAll(products, name);
      for (const shape of SHAPES) await check(shape);
    }
    pickAll(products, undefined);
    const vectors = vectorQuestions(transposeRight);
    for (const { name } of transposeRight ? dotTiles : vectorTiles) {
      pickAll(vectors, name);
      for (const shape of FEW) await check(shape);
      if (device.info.f16) { for (const shape of HALVES) await check(shape, true); }
    }
    pickAll(vectors, undefined);
  });
}

gpuTest(
  "every tile of attention stays within rounding of the oracle, with and without a sliding window",
  async (device) => {
    // A software adapter compiles a tile for many seconds: one of each width there.
    const all = [
      ...[[70, 70, 4, 2, 64, 40], [33, 1150, 2, 1, 20, 0]], // keys in one part, and in several
      ...[[40, 1130, 2, 1, 128, 900], [66, 70, 1, 1, 90, 0]],
    ];
    for (const [rows, tokens, queryHeads, heads, size, slide] of device.info.software ? all.slice(0, 2) : all) {
      const question = attentionQuestion(Math.ceil(size / 4));
      const data = [rows * queryHeads, tokens * heads, tokens * heads].map((count, seed) =>
        randomFloats(count * size, seed, "f32", 1)
      );
      using queries = Tensor.from(device, data[0], [1, rows, queryHeads, size]);
      using keys = Tensor.from(device, data[1], [1, tokens, heads, size]);
      using values = Tensor.from(device, data[2], [1, tokens, heads, size]);
      device.choices.pick(question, "lanes");
      using plain = causalAttention(queries, keys, values, slide);
      const expected = await plain.read() as Float32Array;
      for (const tile of attentionTilesFor(Math.ceil(size / 4)).filter((each) => device.choices.fits(each))) {
        device.choices.pick(question, tile.name);
        using found = causalAttention(queries, keys, values, slide);
        // Means of numbers below 1; the plain kernel is compared with the oracle in causal_attention_test.ts.
        assertClose(await found.read() as Float32Array, expected, { absolute: 1e-5, label: tile.name });
      }
      device.choices.pick(question, undefined);
    }
  },
);

Deno.test("keys are split where rows give few workgroups, and where a workgroup would take very many", () => {
  const splits = (groups: number, keys: number) => attentionSplits({ across: 16, threads: 128 }, groups, keys);
  assertEquals([splits(512, 4096), splits(256, 4096), splits(128, 131072), splits(128, 512), splits(8, 120)], [
    1,
    6,
    12,
    4,
    1,
  ]);
  assertEquals(attentionSplits({ across: 16, threads: 256 }, 256, 4096), 1);
  // Never less than a tile each: it has 8 keys for each thread across.
  assertEquals(attentionSplits({ across: 8, threads: 128 }, 64, 512), 8);
  assertEquals([splits(1024, 2 ** 17), splits(1024, 2 ** 22), attentionSplits({}, 8, 131072)], [4, 32, 1]);
});

Deno.test("a GPU's tile of attention follows heads and rows, as far as its workgroups reach", () => {
  const nameOf = (channels: number, pairs: number, limits = { threads: 256, workgroupBytes: 48 * 1024 }) => {
    const device = { info: { software: false }, choices: new KernelChoices(limits) } as unknown as Device;
    return attentionTile(device, pairs, channels / 4).name;
  };
  assertEquals([64, 128].map((channels) => [8, 2048, 2 ** 14, 2 ** 16].map((pairs) => nameOf(channels, pairs))), [
    ["lanes", "transposed 64x128, 8x16 threads", "transposed 64x128, 8x16 threads", "transposed 128x64, 16x8 threads"],
    [
      "lanes",
      "transposed 64x128, 8x16 threads",
      "transposed 128x128, 16x16 threads",
      "transposed 128x128, 16x16 threads",
    ],
  ]);
  assertEquals(nameOf(128, 2 ** 14, { threads: 256, workgroupBytes: 16 * 1024 }), "transposed 64x128, 8x16 threads");
  assertEquals(nameOf(256, 2048), "tiled 64x128, 8x32 threads");
  // 512 tokens of 8 query heads on 2 KV heads: little altogether.
  const device = {
    info: { software: false },
    choices: new KernelChoices({ threads: 256, workgroupBytes: 48 * 1024 }),
  } as unknown as Device;
  const small = [64, 128].map((channels) => attentionTile(device, 2048, channels / 4, 2 * 2048 * 512).name);
  assertEquals(small, ["transposed 64x64, 16x8 threads", "transposed 64x128, 8x16 threads"]);
});

gpuTest("an image of a matrix multiplies like the matrix, bit for bit", async (device) => {
  if (!device.info.software) return;
  for (const transposeRight of [false, true]) {
    const shape = transposeRight ? [70, 128] : [128, 192];
    using right = Tensor.from(device, randomFloats(shape[0] * shape[1], 3, "f32"), shape);
    using image = MatrixImage.copy(right);
    for (const rows of [1, 2, 5, 12, 33]) {
      using left = Tensor.from(device, randomFloats(rows * 128, rows, "f32"), [rows, 128]);
      using plain = matmul(left, right, { transposeRight });
      using found = matmul(left, image, { transposeRight });
      assertEquals(await found.read(), await plain.read());
    }
  }
  using odd = Tensor.zeros(device, [4, 36]);
  assertThrows(() => MatrixImage.copy(odd), TypeError, "[4, 36] f32 can't be an image");
});

gpuTest("options call kernels of their own", (device) => {
  const called: KernelName[] = [];
  const { commands } = device;
  commands.dispatch = (call: Dispatch) => {
    called.push(call.kernel);
    Object.getPrototypeOf(commands).dispatch.call(commands, call);
  };
  try {
    using left = Tensor.zeros(device, [8, 36]);
    using row = Tensor.zeros(device, [1, 36]);
    using right = Tensor.zeros(device, [36, 36]);
    using heads = Tensor.zeros(device, [1, 64, 1, 8]);
    const run = (question: string, option: string, act: () => Tensor) => {
      device.choices.pick(question, option);
      using _result = act();
      device.choices.pick(question, undefined);
    };
    run("matmul small", matmulTiles[0].name, () => matmul(left, right));
    run("decode matmul narrowest", vectorTiles[0].name, () => matmul(row, right));
    run("decode matmul transposed short", dotTiles[0].name, () => matmul(row, right, { transposeRight: true }));
    for (const tile of [attentionTiles[1], attentionTiles[3]]) {
      run(attentionQuestion(2), tile.name, () => causalAttention(heads, heads, heads));
    }
    const attention = ["attention_tiled", "attention_transposed"] as const;
    assertEquals(called, ["matmul_tiled", "matmul_vector", "linear_rows", ...attention]);
    if (!device.info.software) return;
    called.length = 0;
    using square = Tensor.zeros(device, [64, 64]);
    using _product = matmul(square, square);
    using _attention = causalAttention(heads, heads, heads);
    assertEquals(called, ["matmul_image", "causal_attention_image", "attention_combine"]); // few rows: keys in parts
  } finally {
    Reflect.deleteProperty(commands, "dispatch");
  }
});

Deno.test("products of few rows take a tile of their shape's class, one that fits, and their own threads on software", () => {
  const limits = { threads: 1024, workgroupBytes: 49152 };
  const on = (software: boolean, granted = limits, picked = {}) =>
    ({ choices: new KernelChoices(granted, picked), info: { software } }) as Parameters<typeof vectorTile>[0];
  const asked: string[] = [];
  for (const transposed of [false, true]) {
    for (const depth of [64, 2048, 8192, 16384]) {
      for (const columns of [64, 2048, 8192, 131072]) {
        for (const elementBytes of [2, 4]) {
          for (const [normed, paired] of [[false, false], [true, false], [true, true]]) {
            const sizes = { depth, columns, elementBytes, transposed, normed, paired };
            const question = vectorQuestion(sizes);
            asked.push(question);
            const tiles = transposed ? dotTiles : vectorTiles;
            assertEquals(tiles.includes(vectorTile(on(false), sizes)), true);
            assertEquals(vectorTile(on(true), sizes).name, "lanes");
            for (const granted of [{ threads: 256, workgroupBytes: 16384 }, { threads: 32, workgroupBytes: 16384 }]) {
              const device = on(false, granted);
              assertEquals(device.choices.fits(vectorTile(device, sizes)), true);
            }
            const { name } = tiles[3];
            assertEquals(vectorTile(on(false, limits, { [question]: name }), sizes).name, name);
          }
        }
      }
    }
  }
  // Each question is asked, and tuned.
  assertEquals(new Set(asked), new Set([...vectorQuestions(false), ...vectorQuestions(true)]));
  assertEquals(new Set(rowProducts(false).map(({ name }) => name)), new Set(asked));
  assertEquals(new Set(rowProducts(true).map(({ name }) => name)), new Set(asked));
});

Deno.test("a kernel choice that is unknown or too large is said once, and the default taken", () => {
  const said: unknown[] = [];
  const { warn } = console;
  console.warn = (line: unknown) => said.push(line);
  try {
    const choices = new KernelChoices({ threads: 64, workgroupBytes: 1024 }, { tile: "huge", other: "gone" });
    const options = [{ name: "small" }, { name: "huge", threads: 128 }];
    for (let call = 0; call < 2; call++) {
      assertEquals(choices.of("tile", options, options[0]).name, "small");
      assertEquals(choices.of("other", options, options[0]).name, "small");
    }
    choices.pick("tile", "small");
    assertEquals(choices.of("tile", options, options[1]).name, "small");
  } finally {
    console.warn = warn;
  }
  assertEquals(said.length, 2);
  assertEquals(String(said[0]).includes("more of a workgroup than this adapter grants"), true);
});
