import { assertEquals, assertThrows } from "@std/assert";
import { mostSobolDimensions, sobolPoints } from "../../../lib/evaluation/mod.ts";

function first(count: number, dimensions: number): number[][] {
  const points = sobolPoints(dimensions);
  return Array.from({ length: count }, () => points.next().value);
}

Deno.test("sobolPoints begins as the sequence is published", () => {
  // Joe and Kuo (2008), their program's output for three dimensions.
  assertEquals(first(5, 3), [
    [0.5, 0.5, 0.5],
    [0.75, 0.25, 0.25],
    [0.25, 0.75, 0.75],
    [0.375, 0.375, 0.625],
    [0.875, 0.875, 0.125],
  ]);
});

Deno.test("sobolPoints visits each of 256 cells of every axis once, with the corner where all are 0", () => {
  const points = [Array(mostSobolDimensions).fill(0), ...first(255, mostSobolDimensions)];
  for (let dimension = 0; dimension < mostSobolDimensions; dimension++) {
    const cells = points.map((point) => Math.floor(point[dimension] * 256)).sort((a, b) => a - b);
    assertEquals(cells, Array.from({ length: 256 }, (_, cell) => cell), `dimension ${dimension}`);
  }
});

Deno.test("sobolPoints visits each of 16 x 16 cells of its first two axes once in 256 points", () => {
  const cells = [[0, 0], ...first(255, 2)].map(([x, y]) => 16 * Math.floor(x * 16) + Math.floor(y * 16));
  assertEquals(new Set(cells).size, 256);
});

Deno.test("sobolPoints says how many dimensions there can be", () => {
  for (const dimensions of [0, 1.5, mostSobolDimensions + 1]) {
    assertThrows(() => sobolPoints(dimensions).next(), RangeError, "dimensions");
  }
});
