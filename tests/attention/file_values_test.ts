import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { FileValues, HostValues, type OutsideValues, type ValuesFile } from "../../lib/attention/mod.ts";
import { openScratch, PlatformError } from "../../lib/platform.ts";

/** One sequence's pages and tokens, on pages that two tiers number alike. */
interface Context {
  pages: number[];
  length: number;
}

Deno.test("values in a file are those in memory, whatever is written, copied, dropped and read", async () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("write" as const), rows: fc.integer({ min: 1, max: 70 }) }) },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("read" as const), seed: fc.nat(1000), each: fc.boolean() }) },
    fc.record({ kind: fc.constant("fork" as const) }),
    fc.record({ kind: fc.constant("truncate" as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  );
  const cases = fc.record({
    headSize: fc.constantFrom(4, 6, 8),
    keyValueHeads: fc.constantFrom(1, 2, 3),
    pageTokens: fc.constantFrom(5, 16, 48, 64),
    hotBlocks: fc.constantFrom(0, 1, 3, 100),
    actions: fc.array(action, { minLength: 4, maxLength: 20 }),
  });
  const run = fc.asyncProperty(cases, async ({ headSize, keyValueHeads, pageTokens, hotBlocks, actions }) => {
    const shape = { layers: 2, queryHeads: keyValueHeads, keyValueHeads, headSize };
    const width = 4 * Math.ceil(headSize / 4);
    const hotBytes = hotBlocks * 32 * keyValueHeads * width * 4;
    using file = new FileValues(shape, pageTokens, { hotBytes });
    using host = new HostValues(shape, pageTokens);
    assertEquals(file.pageBytes, host.pageBytes);
    const tiers: OutsideValues[] = [host, file];
    let [nextPage, counter] = [0, 0];
    let context: Context = { pages: [], length: 0 };
    for (const act of actions) {
      if (act.kind === "write") {
        const start = context.length;
        context.length += act.rows;
        while (context.pages.length * pageTokens < context.length) context.pages.push(nextPage++);
        const values = Float32Array.from({ length: act.rows * keyValueHeads * headSize }, () => ++counter);
        for (const tier of tiers) for (const layer of [0, 1]) await tier.write(layer, context.pages, start, values);
      } else if (act.kind === "read") {
        await compare(tiers, context, act.seed, act.each, { keyValueHeads, width });
      } else if (act.kind === "fork" && context.pages.length > 0) {
        // The last page is copied, the context's own dropped; the number of a dropped page is used again.
        const [last, copy] = [context.pages.at(-1)!, nextPage++];
        for (const tier of tiers) tier.copy(last, copy);
        for (const tier of tiers) tier.drop(last);
        context = { ...context, pages: [...context.pages.slice(0, -1), copy] };
      } else if (act.kind === "truncate") {
        context.length = Math.floor(context.length * act.share);
        for (const page of context.pages.splice(Math.ceil(context.length / pageTokens))) {
          for (const tier of tiers) tier.drop(page);
        }
      }
    }
    await compare(tiers, context, 1, true, { keyValueHeads, width });
  });
  await fc.assert(run, { seed: 9, numRuns: 60 });
});

/** Wants some tokens of all heads alike, or of each head its own, from every tier. */
async function compare(
  tiers: readonly OutsideValues[],
  { pages, length }: Context,
  seed: number,
  each: boolean,
  { keyValueHeads, width }: { keyValueHeads: number; width: number },
): Promise<void> {
  const heads = Array.from({ length: keyValueHeads }, (_, head) => head);
  const tokensOf = (head: number) => {
    return Uint32Array.from(
      Array.from({ length }, (_, token) => token).filter((token) => {
        return (token * 7 + seed + head * 3) % 5 < 2;
      }),
    );
  };
  const groups = each ? heads.map((head) => [head]) : [heads];
  const wanted = groups.map((group) => ({
    pages,
    heads: group,
    tokens: tokensOf(group[0]),
    places: group.map((head) => head * length * width),
  }));
  for (const layer of [0, 1]) {
    const found: Float32Array[] = [];
    for (const tier of tiers) {
      const into = new Float32Array(keyValueHeads * length * width);
      await tier.gather(layer, wanted, into);
      tier.readAhead((layer + 1) % 2);
      found.push(into);
    }
    assertEquals(found[1], found[0]);
  }
}

/** Every page of a context, layer by layer, as saving wants it. */
async function pagesOf(tier: OutsideValues, { pages, length }: Context, pageTokens: number): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  for (const [number, page] of pages.entries()) {
    for (const layer of [0, 1]) {
      // What was there before must not show.
      const into = new Float32Array(tier.pageBytes / 4).fill(NaN);
      await tier.readPage(layer, page, Math.min(pageTokens, length - number * pageTokens), into);
      found.push(into);
    }
  }
  return found;
}

Deno.test("pages that are copied out of one tier and taken over by another hold the same tokens", async () => {
  const cases = fc.record({
    headSize: fc.constantFrom(4, 6, 8),
    keyValueHeads: fc.constantFrom(1, 2, 3),
    pageTokens: fc.constantFrom(5, 16, 48, 64),
    hotBytes: fc.constantFrom(0, 1000, 10 ** 6),
    steps: fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 6 }),
    dropped: fc.nat(60),
    from: fc.constantFrom("host", "file"),
    to: fc.constantFrom("host", "file"),
  });
  const run = fc.asyncProperty(cases, async ({ headSize, keyValueHeads, pageTokens, hotBytes, steps, ...rest }) => {
    const shape = { layers: 2, queryHeads: keyValueHeads, keyValueHeads, headSize };
    const made = (place: string) => {
      return place === "file" ? new FileValues(shape, pageTokens, { hotBytes }) : new HostValues(shape, pageTokens);
    };
    using from = made(rest.from);
    using to = made(rest.to);
    let [length, counter] = [0, 0];
    const pages: number[] = [];
    for (const rows of steps) {
      while (pages.length * pageTokens < length + rows) pages.push(pages.length);
      const values = Float32Array.from({ length: rows * keyValueHeads * headSize }, () => ++counter);
      for (const layer of [0, 1]) await from.write(layer, pages, length, values);
      length += rows;
    }
    // Some of the last tokens were dropped: what they left on their page must not come along.
    length = Math.max(1, length - rest.dropped);
    const context = { pages: pages.slice(0, Math.ceil(length / pageTokens)), length };
    const copied = await pagesOf(from, context, pageTokens);
    // Pages have other numbers there, and one of them was used before.
    const other = { pages: context.pages.map((page) => 2 * page + 1).reverse(), length };
    await to.write(0, [other.pages[0]], 0, new Float32Array(keyValueHeads * headSize).fill(-1));
    to.drop(other.pages[0]);
    for (const [number, page] of other.pages.entries()) {
      const tokens = Math.min(pageTokens, length - number * pageTokens);
      for (const layer of [0, 1]) {
        await to.writePage(layer, page, tokens, new Float32Array(copied[2 * number + layer]));
      }
    }
    assertEquals(await pagesOf(to, other, pageTokens), copied);
    // Steps find them there, and go on behind them.
    const width = 4 * Math.ceil(headSize / 4);
    const values = Float32Array.from({ length: 3 * keyValueHeads * headSize }, () => ++counter);
    for (const [tier, own] of [[from, context], [to, other]] as const) {
      while (own.pages.length * pageTokens < length + 3) own.pages.push(500 + own.pages.length);
      for (const layer of [0, 1]) await tier.write(layer, own.pages, length, values);
    }
    const tokens = Uint32Array.from({ length: length + 3 }, (_, token) => token);
    const heads = Array.from({ length: keyValueHeads }, (_, head) => head);
    for (const layer of [0, 1]) {
      const found: Float32Array[] = [];
      for (const [tier, { pages }] of [[from, context], [to, other]] as const) {
        const into = new Float32Array(keyValueHeads * tokens.length * width);
        const places = heads.map((head) => head * tokens.length * width);
        await tier.gather(layer, [{ pages, heads, tokens, places }], into);
        found.push(into);
      }
      assertEquals(found[1], found[0]);
      assert(found[0].includes(counter), "the newest value is there");
    }
  });
  await fc.assert(run, { seed: 11, numRuns: 60 });
});

const shape = { layers: 1, queryHeads: 1, keyValueHeads: 1, headSize: 4 };

/** A file that fails where it is told to. */
function failingFile(): ValuesFile & { failing: "read" | "write" | undefined } {
  const file = openScratch();
  const fault = (what: "read" | "write") => {
    if (made.failing === what) throw new PlatformError(`cannot ${what} the file for values: no space left`);
  };
  const made = {
    failing: undefined as "read" | "write" | undefined,
    async read(offset: number, into: Uint8Array) {
      fault("read");
      await file.read(offset, into);
    },
    async write(offset: number, bytes: Uint8Array) {
      fault("write");
      await file.write(offset, bytes);
    },
    copy: (source: number, target: number, bytes: number) => file.copy(source, target, bytes),
    close: () => file.close(),
  };
  return made;
}

Deno.test("a file that can't be written or read gives its error, and works again once it can", async () => {
  const file = failingFile();
  using values = new FileValues(shape, 64, { hotBytes: 0 }, file);
  const numbers = Float32Array.from({ length: 4 * 40 }, (_, index) => index);
  file.failing = "write";
  await assertRejects(() => values.write(0, [0], 0, numbers), PlatformError, "no space left");
  file.failing = undefined;
  await values.write(0, [0], 0, numbers);
  const wanted = [{ pages: [0], heads: [0], tokens: Uint32Array.of(3, 39), places: [0] }];
  file.failing = "read";
  await assertRejects(() => values.gather(0, wanted, new Float32Array(8)), PlatformError, "cannot read");
  values.readAhead(0);
  file.failing = undefined;
  const into = new Float32Array(8);
  await values.gather(0, wanted, into);
  assertEquals([...into], [12, 13, 14, 15, 156, 157, 158, 159]);
  file.failing = "read";
  await assertRejects(() => values.readPage(0, 0, 40, new Float32Array(4 * 64)), PlatformError, "cannot read");
  file.failing = "write";
  await assertRejects(() => values.writePage(0, 0, 40, new Float32Array(4 * 64)), PlatformError, "cannot write");
});

Deno.test("a page that is copied while others are read ahead changes nothing of what comes", async () => {
  const shape = { layers: 2, queryHeads: 1, keyValueHeads: 1, headSize: 64 };
  const pages = Array.from({ length: 40 }, (_, page) => page);
  const numbers = Float32Array.from({ length: 40 * 256 * 64 }, (_, index) => index);
  // Every eighth of a page apart, so that there are more reads than a file has handles; room for one layer's.
  const wanted = [{ pages, heads: [0], tokens: Uint32Array.from({ length: 80 }, (_, i) => 128 * i), places: [0] }];
  using values = new FileValues(shape, 256, { hotBytes: 90 * 32 * 64 * 4 });
  for (const layer of [0, 1]) await values.write(layer, pages, 0, numbers);
  const expected = new Float32Array(80 * 64);
  await values.gather(0, wanted, expected);
  for (let round = 0; round < 150; round++) {
    await values.gather(1, wanted, new Float32Array(80 * 64));
    values.readAhead(0);
    values.copy(39, 40 + round);
    const found = new Float32Array(80 * 64);
    await values.gather(0, wanted, found);
    assert(found.every((value, index) => value === expected[index]), `round ${round}`);
  }
});

Deno.test("values in a file take as much memory as they are given, and refuse less than none", async () => {
  const hotBytes = 8 * 32 * 16;
  using values = new FileValues(shape, 64, { hotBytes });
  await values.write(0, [0, 1, 2, 3, 4, 5, 6, 7], 0, new Float32Array(4 * 500));
  assert(values.memoryBytes <= hotBytes && values.memoryBytes > 0);
  assertThrows(() => new FileValues(shape, 64, { hotBytes: -1 }), RangeError, "hotBytes -1 must be at least 0");
});
