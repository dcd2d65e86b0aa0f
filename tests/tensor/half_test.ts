import fc from "fast-check";
import { assertEquals } from "@std/assert";
import { floatsToHalves, halvesToFloats } from "../../lib/tensor/mod.ts";

/** The value of a half float by its definition: sign, 5 bits of exponent, 10 of fraction. */
function valueOf(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? (1 + fraction / 1024) * 2 ** (exponent - 15) : fraction * 2 ** -24);
}

Deno.test("halvesToFloats widens every half float exactly, and floatsToHalves takes it back", () => {
  const halves = Uint16Array.from({ length: 0x10000 }, (_, half) => half);
  const floats = halvesToFloats(halves);
  const numbers = halves.filter((half) => !Number.isNaN(valueOf(half)));
  assertEquals([...floats], Array.from(halves, valueOf));
  assertEquals(floatsToHalves(halvesToFloats(numbers)), numbers);
});

Deno.test("floatsToHalves rounds to the nearest half float, ties to even", () => {
  const finite = fc.float({ noNaN: true, min: -65519, max: 65519 });
  fc.assert(
    fc.property(finite, (float) => {
      const [half] = floatsToHalves(new Float32Array([float]));
      const off = (other: number) => Math.abs(valueOf(other) - float);
      // Infinity would be the neighbour of the largest half float; it is judged by the next step instead.
      for (const neighbour of [half - 1, half + 1]) {
        if (((neighbour ^ half) & 0x8000) || (neighbour & 0x7fff) >= 0x7c00 || neighbour < 0) continue;
        if (off(neighbour) < off(half) || (off(neighbour) === off(half) && half % 2)) return false;
      }
      return Math.abs(valueOf(half)) <= 65504;
    }),
    { seed: 20240715, numRuns: 5000 },
  );
});

Deno.test("floatsToHalves gives infinity from 65,520 on, signed zeros, and NaN", () => {
  const values = new Float32Array([65519.996, 65520, -1e30, Infinity, -0, 2 ** -25, 2 ** -25 * 1.001, NaN]);
  const halves = [...floatsToHalves(values)];
  assertEquals(halves.slice(0, 7), [0x7bff, 0x7c00, 0xfc00, 0x7c00, 0x8000, 0, 1]);
  assertEquals((halves[7] & 0x7fff) > 0x7c00, true);
});
