import { assertEquals } from "@std/assert";
import { channelOrder, headFrequencies, reorderRows } from "../../../lib/model/config/rotary_layout.ts";

const neighbours = { channels: 4, interleaved: true };

Deno.test("channelOrder puts neighbours that rotate half a head apart, and the rest behind them", () => {
  assertEquals(channelOrder(8, neighbours), [0, 2, 4, 6, 1, 3, 5, 7]);
  assertEquals(channelOrder(6, { channels: 2, interleaved: true }), [0, 2, 4, 1, 3, 5]);
  assertEquals(channelOrder(8, { channels: 8, interleaved: false }), undefined);
});

Deno.test("headFrequencies are those of the channels that rotate, then zeros", () => {
  assertEquals([...headFrequencies(8, { base: 10_000, scaling: null }, neighbours)], [1, Math.fround(0.01), 0, 0]);
});

Deno.test("reorderRows reorders within each head", () => {
  const rows = Float32Array.of(0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7);
  assertEquals([...reorderRows(rows, [0, 2, 1, 3], 2)], [0, 0, 2, 2, 1, 1, 3, 3, 4, 4, 6, 6, 5, 5, 7, 7]);
});
