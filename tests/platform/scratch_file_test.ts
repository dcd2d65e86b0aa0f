import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { openScratch, PlatformError } from "../../lib/platform.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

async function readAt(file: ReturnType<typeof openScratch>, offset: number, count: number): Promise<number[]> {
  const into = new Uint8Array(count);
  await file.read(offset, into);
  return [...into];
}

Deno.test("a scratch file gives back what was written, leaves no name behind, and copies within itself", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = openScratch(folder);
    await Promise.all([file.write(0, bytes(1, 2, 3, 4)), file.write(2, bytes(7, 8))]);
    // More reads than there are readers.
    const reads = await Promise.all(Array.from({ length: 20 }, (_, index) => readAt(file, index % 3, 2)));
    assertEquals(reads, Array.from({ length: 20 }, (_, index) => [[1, 2], [2, 7], [7, 8]][index % 3]));
    file.copy(1, 10, 2);
    assertEquals(await readAt(file, 8, 4), [0, 0, 2, 7]);
    if (Deno.build.os !== "windows") assertEquals([...Deno.readDirSync(folder)], []);
    const late = readAt(file, 0, 1);
    file.close();
    file.close();
    assertEquals(await late, [1]);
    await assertRejects(() => readAt(file, 0, 1), PlatformError, "it was given back");
    assertEquals([...Deno.readDirSync(folder)], []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a scratch file says what it can't do, and goes on afterwards", async () => {
  assertThrows(() => openScratch("/no/such/folder"), PlatformError, "cannot make a file in /no/such/folder");
  const file = openScratch();
  try {
    await file.write(0, bytes(1, 2));
    await assertRejects(() => readAt(file, 1, 4), PlatformError, "it ends before byte 5");
    assertEquals(await readAt(file, 0, 2), [1, 2]);
  } finally {
    file.close();
  }
});
