import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import { type RopeScaling, rotaryFrequencies, rotaryTable } from "../../../lib/attention/attend/rotary_frequencies.ts";

const llama3: RopeScaling = {
  type: "llama3",
  factor: 8,
  lowFrequencyFactor: 1,
  highFrequencyFactor: 4,
  originalContext: 8192,
};

Deno.test("rotaryFrequencies gives powers of the base, exact where f32 holds them", () => {
  assertEquals([...rotaryFrequencies(8, { base: 10000 })], [1, 0.1, 0.01, 0.001].map(Math.fround));
  assertEquals([...rotaryFrequencies(4, { base: 16, scaling: null })], [1, 0.25]);
});

Deno.test("rotaryFrequencies stays within two roundings of the real number", () => {
  const sizes = fc.integer({ min: 1, max: 128 }).map((pairs) => 2 * pairs);
  fc.assert(
    fc.property(sizes, fc.double({ min: 100, max: 1e7, noNaN: true }), (headSize, base) => {
      const frequencies = rotaryFrequencies(headSize, { base });
      frequencies.forEach((frequency, pair) => {
        const exact = base ** (-2 * pair / headSize);
        // Rounding the exponent (at most 1) by 2^-24 shifts the power by ln(base) 2^-24, at most 16.2 of them; the base, the
        // power and the quotient add one each.
        assert(Math.abs(frequency / exact - 1) < 20 * 2 ** -24, `${frequency} against ${exact}`);
        assertEquals(frequency, Math.fround(frequency));
      });
    }),
    { seed: 31, numRuns: 200 },
  );
});

Deno.test("rotaryFrequencies divides all by a linear factor", () => {
  const plain = rotaryFrequencies(32, { base: 10000 });
  const scaled = rotaryFrequencies(32, { base: 10000, scaling: { type: "linear", factor: 4 } });
  assertEquals([...scaled], [...plain].map((frequency) => frequency / 4));
});

Deno.test("rotaryFrequencies keeps high frequencies, divides low ones and blends between for llama3", () => {
  const plain = rotaryFrequencies(128, { base: 500000 });
  const scaled = rotaryFrequencies(128, { base: 500000, scaling: llama3 });
  let blended = 0;
  plain.forEach((frequency, pair) => {
    const turns = 8192 * frequency / (2 * Math.PI); // turns over the original context
    if (turns > 4) assertEquals(scaled[pair], frequency);
    else if (turns < 1) assertEquals(scaled[pair], Math.fround(frequency / 8));
    else {
      blended++;
      const kept = (turns - 1) / 3;
      // The blend is a handful of f32 operations on numbers below the frequency itself.
      assertAlmostEquals(scaled[pair], frequency * (kept + (1 - kept) / 8), frequency * 8 * 2 ** -24);
    }
  });
  assert(blended > 3, "the case must hold blended frequencies");
});

Deno.test("rotaryTable rounds angles to f32 before their cosine", () => {
  const frequencies = rotaryFrequencies(6, { base: 10000 });
  const { cos, sin } = rotaryTable(frequencies, 100_003, 2);
  assertEquals([cos.length, sin.length], [6, 6]);
  for (let row = 0; row < 2; row++) {
    for (let pair = 0; pair < 3; pair++) {
      const angle = Math.fround((100_003 + row) * frequencies[pair]);
      assertEquals(cos[3 * row + pair], Math.fround(Math.cos(angle)));
      assertEquals(sin[3 * row + pair], Math.fround(Math.sin(angle)));
    }
  }
});

Deno.test("rotaryTable started later is the same table's later part", () => {
  const frequencies = rotaryFrequencies(10, { base: 5000 });
  const whole = rotaryTable(frequencies, 0, 40);
  const part = rotaryTable(frequencies, 13, 7);
  assertEquals(part.cos, whole.cos.slice(13 * 5, 20 * 5));
  assertEquals(part.sin, whole.sin.slice(13 * 5, 20 * 5));
  assertEquals(rotaryTable(frequencies, 5, 0).cos.length, 0);
});

Deno.test("rotaryFrequencies and rotaryTable refuse what has no angles", () => {
  for (const headSize of [0, 7, 2.5, -2, NaN]) {
    assertThrows(() => rotaryFrequencies(headSize, { base: 10000 }), RangeError, `not ${headSize}`);
  }
  for (const base of [0, -1, NaN, Infinity]) {
    assertThrows(() => rotaryFrequencies(8, { base }), RangeError, `not ${base}`);
  }
  const frequencies = rotaryFrequencies(8, { base: 10000 });
  assertThrows(() => rotaryTable(frequencies, -1, 2), RangeError, "start must be");
  assertThrows(() => rotaryTable(frequencies, 0, 1.5), RangeError, "count must be");
  assertThrows(() => rotaryTable(frequencies, 2 ** 24, 1), RangeError, "f32 angles go up to 16777216");
});
