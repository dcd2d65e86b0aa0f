import fc from "fast-check";
import { assertEquals, assertThrows } from "@std/assert";
import * as reference from "../../lib/reference/mod.ts";
import { embedding, gatherRows, readFloats, scatterRows, Tensor, zeros } from "../../lib/tensor/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { axis, everyDevice, floatType, forAll, random, randomFloats, rowSize, seed, upload } from "./cases.ts";

const cases = fc.record({
  tableRows: fc.oneof(axis, fc.constant(60)),
  size: fc.oneof(rowSize, fc.constant(0)),
  indices: fc.oneof(axis, fc.constant(50)),
  dtype: floatType,
  seed,
});

/** Row numbers, some past the table's end. */
function randomIndices(length: number, rows: number, from: number): Uint32Array<ArrayBuffer> {
  const next = random(from);
  return Uint32Array.from(
    { length },
    () => next() < 0.1 ? 0xffffffff - Math.floor(next() * 2) : Math.floor(next() * (rows + 2)),
  );
}

everyDevice("gatherRows and embedding copy rows, zeros for an index past the table", async (device) => {
  await forAll(cases, async ({ tableRows, size, indices, dtype, seed }) => {
    const rows = randomFloats(tableRows * size, seed, dtype);
    const places = randomIndices(indices, tableRows, seed + 1);
    using table = upload(device, rows, [tableRows, size], dtype);
    using wanted = Tensor.from(device, places, [indices]);
    using y = gatherRows(table, wanted);
    assertEquals(y.shape, [indices, size]);
    assertEquals(y.dtype, dtype);
    const host = reference.dense(rows, [tableRows, size]);
    const expected = reference.gatherRows(host, reference.dense(places, [indices]));
    assertEquals(await readFloats(y), expected.data);
    using tokens = wanted.reshape([1, indices]);
    using embedded = embedding(table, tokens);
    assertEquals(embedded.shape, [1, indices, size]);
    assertEquals(embedded.dtype, "f32");
    assertEquals(await readFloats(embedded), reference.embedding(host, reference.dense(places, [1, indices])).data);
  });
});

everyDevice("scatterRows writes rows in place and skips an index past the target", async (device) => {
  await forAll(cases, async ({ tableRows, size, indices, dtype, seed }) => {
    const before = randomFloats(tableRows * size, seed, dtype);
    const data = randomFloats(indices * size, seed + 2, dtype);
    // Each place once: which of two rows for one place is left is open.
    const places = [...new Set(randomIndices(indices, tableRows, seed + 1))];
    while (places.length < indices) places.push(tableRows + 1000 + places.length);
    using target = upload(device, before, [tableRows, size], dtype);
    using wanted = Tensor.from(device, new Uint32Array(places), [indices]);
    using rows = upload(device, data, [indices, size], dtype);
    scatterRows(target, wanted, rows);
    const expected = reference.scatterRows(
      reference.dense(before, [tableRows, size]),
      reference.dense(places, [indices]),
      reference.dense(data, [indices, size]),
    );
    assertEquals(await readFloats(target), expected.data);
  });
});

gpuTest("gatherRows keeps whole numbers as they are", async (device) => {
  using table = Tensor.from(device, new Int32Array([-1, 2 ** 31 - 1]), [2, 1]);
  using indices = Tensor.from(device, new Uint32Array([1, 0, 2]), [3]);
  using y = gatherRows(table, indices);
  assertEquals([...await y.read()], [2 ** 31 - 1, -1, 0]);
});

gpuTest("row ops by index name the shapes that do not fit", (device) => {
  using table = zeros(device, [4, 3]);
  using cube = zeros(device, [1, 4, 3]);
  using indices = zeros(device, [2], "u32");
  using signed = zeros(device, [2], "i32");
  using rows = zeros(device, [2, 2]);
  assertThrows(() => gatherRows(cube, indices), TypeError, "gatherRows: [1, 4, 3] f32");
  assertThrows(() => gatherRows(table, signed), TypeError, "gatherRows: [2] i32 must be of type u32");
  assertThrows(() => scatterRows(table, indices, rows), TypeError, "scatterRows: rows [2, 2] f32 must be [2, 3] f32");
  using view = table.share();
  using all = zeros(device, [4], "u32");
  assertThrows(() => scatterRows(table, all, view), TypeError, "different tensors");
  using whole = zeros(device, [4, 3], "u32");
  assertThrows(() => embedding(whole, indices), TypeError, "embedding: [4, 3] u32");
});
