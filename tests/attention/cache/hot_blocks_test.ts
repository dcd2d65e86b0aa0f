import { assertEquals, assertRejects } from "@std/assert";
import { HotBlocks } from "../../../lib/attention/cache/hot_blocks.ts";

/** Blocks whose only number is their own; what was read is taken down, and some reads fail. */
function store(most: number) {
  const reads: [number, number][] = [];
  const failing = new Set<number>();
  const hot = new HotBlocks(most, async (first, count) => {
    reads.push([first, count]);
    await new Promise((resolve) => setTimeout(resolve, 1));
    if (failing.has(first)) throw new Error(`block ${first} is gone`);
    return Array.from({ length: count }, (_, index) => Float32Array.of(first + index));
  });
  const want = async (...numbers: number[]) => (await hot.want(numbers)).map(([number]) => number);
  return { hot, reads, failing, want };
}

Deno.test("blocks are read once, neighbours at once, and those unused for longest leave first", async () => {
  const { hot, reads, want } = store(4);
  assertEquals(await want(1, 2, 5), [1, 2, 5]);
  assertEquals(reads.splice(0), [[1, 2], [5, 1]]);
  assertEquals(await want(1, 7), [1, 7]);
  assertEquals(reads.splice(0), [[7, 1]]);
  assertEquals(await want(8), [8]);
  // 2 was used longest ago.
  assertEquals([hot.peek(2), hot.peek(1)?.[0], hot.size], [undefined, 1, 4]);
  assertEquals(hot.traffic, { hits: 1, ahead: 0, misses: 5, unused: 0 });
});

Deno.test("what is read ahead is not read again, and more than there is room for is still given", async () => {
  const { hot, reads, want } = store(3);
  hot.readAhead([1, 2, 3]);
  assertEquals(await want(2, 3), [2, 3]);
  assertEquals(reads.splice(0), [[1, 3]]);
  assertEquals(await want(3, 11, 12, 13, 14), [3, 11, 12, 13, 14]);
  assertEquals(hot.traffic, { hits: 1, ahead: 2, misses: 4, unused: 1 });
  assertEquals(hot.size, 3);
});

Deno.test("a block that is written or forgotten while it is read is not taken from the read", async () => {
  const { hot, want } = store(8);
  hot.readAhead([1, 2]);
  hot.put(1, Float32Array.of(100));
  hot.forget(2);
  assertEquals(await want(1), [100]);
  assertEquals(hot.peek(2), undefined);
  assertEquals(await want(1, 2), [100, 2]);
});

Deno.test("a failed read shows where its block is wanted, and is tried again", async () => {
  const { hot, failing, want } = store(8);
  failing.add(4);
  hot.readAhead([4]);
  await assertRejects(() => want(4), Error, "block 4 is gone");
  hot.readAhead([4]);
  await new Promise((resolve) => setTimeout(resolve, 10));
  failing.clear();
  assertEquals(await want(4), [4]);
});
