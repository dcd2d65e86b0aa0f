import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { cast, dense, roundToHalf } from "../../lib/reference/mod.ts";

Deno.test("cast drops fractions, clamps to the target's range and makes NaN 0", () => {
  const x = dense([1.9, -1.9, 3e9, -3e9, 5e9, NaN, Infinity, -Infinity], [8]);
  const [most, least] = [2 ** 31 - 1, -(2 ** 31)];
  assertEquals([...cast(x, "i32").data], [1, -1, most, least, most, 0, most, least]);
  assertEquals([...cast(x, "u32").data], [1, 0, 3e9, 0, 2 ** 32 - 1, 0, 2 ** 32 - 1, 0]);
});

Deno.test("cast takes whole numbers into each other modulo 2^32 and to floats by rounding", () => {
  assertEquals([...cast(dense(new Int32Array([-1, 5]), [2]), "u32").data], [2 ** 32 - 1, 5]);
  assertEquals([...cast(dense(new Uint32Array([2 ** 32 - 2]), [1]), "i32").data], [-2]);
  assertEquals([...cast(dense(new Int32Array([2 ** 24 + 1]), [1]), "f32").data], [2 ** 24]);
  assertEquals([...cast(dense(new Int32Array([2049, 70000]), [2]), "f16").data], [2048, Infinity]);
  assertInstanceOf(cast(dense([1], [1]), "f16").data, Float32Array);
});

Deno.test("roundToHalf keeps every f16 and rounds midpoints to even", () => {
  const view = new DataView(new ArrayBuffer(4)) as DataView & { getFloat16(offset: number): number };
  const half = (bits: number) => {
    view.setUint16(0, bits);
    return view.getFloat16(0);
  };
  for (let bits = 0; bits < 0x7c00; bits++) {
    const value = half(bits);
    assert(roundToHalf(value) === value && roundToHalf(-value) === -value, `f16 ${bits}: ${roundToHalf(value)}`);
    // Past the largest f16 the next step, 65536, stands for infinity.
    const next = bits === 0x7bff ? 65536 : half(bits + 1);
    const middle = (value + next) / 2;
    const even = bits % 2 === 0 ? value : half(bits + 1);
    assert(roundToHalf(middle) === even, `midpoint above f16 ${bits}: ${roundToHalf(middle)}, not ${even}`);
    // Shares of the step that f32 still tells from the middle: f16 has 11 significant bits, f32 24.
    const share = (next - value) / 2 ** 11;
    assert(roundToHalf(middle - share) === value, `below the midpoint above f16 ${bits}`);
  }
  assert(Object.is(roundToHalf(-0), -0) && Object.is(roundToHalf(-1e-9), -0));
  assertEquals([roundToHalf(Infinity), roundToHalf(-1e30), roundToHalf(NaN)], [Infinity, -Infinity, NaN]);
});
