import { type KeyValueCache, type OutsideValues, type PageRange, pageRanges } from "../../attention/mod.ts";

/*
 * A page in a session's file: layer by layer, keys and then values, as the GPU has them. Values, or keys and values, in host memory
 * or in a file stand where those on the GPU would (f32), so that they can be restored to any of these places.
 */

/** Bytes of one page in a file. */
export function pageBlockBytes({ pool, shape }: KeyValueCache): number {
  return (pool.pageBytes + pool.outsidePageBytes) * shape.layers;
}

/**
 * Pages of a cache's first sequence as a file has them. What lies on the GPU comes from there in one read, what lies outside page by
 * page.
 *
 * @param first number of the first page
 * @param count number of pages
 */
export async function* pageBlocks(
  cache: KeyValueCache,
  first: number,
  count: number,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const { sequences: [{ pages }] } = cache;
  const wanted = pages.slice(first, first + count).map((page) => rangesByLayer(cache, page));
  const ranges = wanted.flat(2);
  const read = ranges.length > 0 ? await cache.device.readBack.read(ranges) : [];
  let next = 0;
  for (const [index, layers] of wanted.entries()) {
    const block = new Uint8Array(pageBlockBytes(cache));
    let at = 0;
    for (const [layer, ranges] of layers.entries()) {
      for (const { bytes } of ranges) {
        block.set(new Uint8Array(read[next++]), at);
        at += bytes;
      }
      for (const outside of outsideOf(cache)) {
        const vectors = new Float32Array(block.buffer, at, outside.pageBytes / 4);
        await outside.readPage(layer, pages[first + index], tokensOn(cache, first + index), vectors);
        at += outside.pageBytes;
      }
    }
    yield block;
  }
}

/** Puts a file's page where the cache has it; what belongs on the GPU is on its way there then. */
export async function takePageBlock(
  cache: KeyValueCache,
  number: number,
  block: Uint8Array<ArrayBuffer>,
): Promise<void> {
  const { device, sequences: [{ pages }] } = cache;
  let at = 0;
  for (const [layer, ranges] of rangesByLayer(cache, pages[number]).entries()) {
    for (const { buffer, offset, bytes } of ranges) {
      device.commands.write(buffer, offset, block.subarray(at, at + bytes));
      at += bytes;
    }
    for (const outside of outsideOf(cache)) {
      // Floats have to begin at a multiple of four bytes, and a block lies anywhere.
      const vectors = new Float32Array(block.slice(at, at + outside.pageBytes).buffer);
      await outside.writePage(layer, pages[number], tokensOn(cache, number), vectors);
      at += outside.pageBytes;
    }
  }
}

function rangesByLayer(cache: KeyValueCache, page: number): PageRange[][] {
  const all = pageRanges(cache, page);
  const each = all.length / cache.shape.layers;
  return Array.from({ length: cache.shape.layers }, (_, layer) => all.slice(layer * each, (layer + 1) * each));
}

/** What lies outside the GPU: nothing, values, or keys and then values. */
function outsideOf({ pool: { outside: { keys, values } } }: KeyValueCache): OutsideValues[] {
  return [keys, values].filter((vectors) => vectors !== undefined);
}

/** Tokens of the sequence on one of its pages. */
function tokensOn({ pool: { pageTokens }, sequences: [{ length }] }: KeyValueCache, number: number): number {
  return Math.min(pageTokens, length - number * pageTokens);
}
