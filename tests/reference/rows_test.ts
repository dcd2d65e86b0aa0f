import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { dense, embedding, gatherRows, scatterRows } from "../../lib/reference/mod.ts";

const table = dense(new Float32Array([1, 2, 3, 4, 5, 6]), [3, 2]);

Deno.test("gatherRows and embedding copy rows, zeros for an index past the table", () => {
  assertEquals([...gatherRows(table, dense([2, 0, 3], [3])).data], [5, 6, 1, 2, 0, 0]);
  assertInstanceOf(gatherRows(dense(new Int32Array([7]), [1, 1]), dense([0], [1])).data, Int32Array);
  assertEquals(embedding(table, dense([2, 0, 3, 1], [2, 2])).shape, [2, 2, 2]);
  assertEquals([...embedding(table, dense([2, 0, 3, 1], [2, 2])).data], [5, 6, 1, 2, 0, 0, 3, 4]);
});

Deno.test("scatterRows undoes gatherRows and leaves other rows", () => {
  const indices = dense([2, 0], [2]);
  const rows = gatherRows(table, indices);
  assertEquals(
    scatterRows(dense(new Float32Array([0, 0, 9, 9, 0, 0]), [3, 2]), indices, rows).data,
    new Float32Array([1, 2, 9, 9, 5, 6]),
  );
  assertEquals([...scatterRows(table, dense([7], [1]), dense([0, 0], [1, 2])).data], [1, 2, 3, 4, 5, 6]);
});

Deno.test("scatterRows does not change its target and refuses an index twice", () => {
  scatterRows(table, dense([0], [1]), dense([0, 0], [1, 2]));
  assertEquals([...table.data], [1, 2, 3, 4, 5, 6]);
  assertThrows(
    () => scatterRows(table, dense([1, 1], [2]), dense([0, 0, 0, 0], [2, 2])),
    RangeError,
    "index 1 comes twice",
  );
});

Deno.test("row copies name shapes and indices that do not fit", () => {
  assertThrows(() => gatherRows(table, dense([1], [1, 1])), TypeError, "indices [1, 1]");
  assertThrows(() => gatherRows(table, dense([-1], [1])), RangeError, "index -1");
  assertThrows(() => scatterRows(table, dense([1], [1]), dense([1], [1, 1])), TypeError, "rows [1, 1] must be [1, 2]");
});
