import { assertEquals, assertThrows } from "@std/assert";
import { attendSelected, dense, rotaryFrequencies } from "../../lib/reference/mod.ts";
import { assertClose } from "../assert_close.ts";
import { randomDense } from "./random.ts";

const list = (...indices: number[]) => ({
  indices: Uint32Array.from(indices),
  positions: Uint32Array.from(indices.keys()),
});

// Keys of zeros: every visible token weighs the same. Two query heads, two KV heads, two rows over five tokens.
const flat = {
  queries: dense([1, 1, 1, 1, 1, 1, 1, 1], [2, 2, 2]),
  keys: dense(new Float32Array(20), [2, 5, 2]),
  values: dense([1, 0, 2, 0, 4, 0, 8, 0, 16, 0, 0, 1, 0, 2, 0, 4, 0, 8, 0, 16], [2, 5, 2]),
  frequencies: [1],
};

Deno.test("attendSelected masks by index: a row sees the list up to its own token", () => {
  const out = attendSelected({ ...flat, groups: [list(1, 3, 4)] });
  assertClose(out.data, [5, 0, 26 / 3, 0, 0, 5, 0, 26 / 3], { relative: 1e-6 });
});

Deno.test("attendSelected gives each KV head its own list", () => {
  const out = attendSelected({ ...flat, groups: [list(3, 4), list(0, 1, 2, 3, 4)] });
  assertClose(out.data, [8, 0, 12, 0, 0, 15 / 4, 0, 31 / 5], { relative: 1e-6 });
});

Deno.test("attendSelected rotates by the given positions: shifting all of them changes nothing", () => {
  const input = {
    queries: randomDense(1, [4, 3, 8]),
    keys: randomDense(2, [2, 9, 8]),
    values: randomDense(3, [2, 9, 8]),
    frequencies: rotaryFrequencies(8),
  };
  const { indices, positions } = list(0, 2, 5, 6, 7, 8);
  const plain = attendSelected({ ...input, groups: [{ indices, positions }] });
  const shifted = attendSelected({ ...input, groups: [{ indices, positions: positions.map((p) => p + 100) }] });
  const spread = attendSelected({ ...input, groups: [{ indices, positions: indices }] });
  // Angles of about 100 are rounded to f32 by up to 4e-6.
  assertClose(shifted.data, plain.data, { absolute: 1e-4 });
  assertThrows(() => assertClose(spread.data, plain.data, { absolute: 1e-3 }));
});

Deno.test("attendSelected refuses a list without the step's own tokens, and shapes that do not fit", () => {
  assertThrows(
    () => attendSelected({ ...flat, groups: [list(0, 4)] }),
    RangeError,
    "must end with the step's own 2, 3 to 4",
  );
  assertThrows(() => attendSelected({ ...flat, groups: [] }), TypeError, "0 lists");
  assertThrows(
    () => attendSelected({ ...flat, values: dense([1], [1, 1, 1]), groups: [list(3, 4)] }),
    TypeError,
    "values [1, 1, 1]",
  );
  assertEquals(attendSelected({ ...flat, groups: [list(3, 4)] }).shape, [2, 2, 2]);
});
