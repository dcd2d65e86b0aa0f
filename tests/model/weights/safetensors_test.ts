import { assert, assertEquals, assertGreater, assertRejects, assertThrows } from "@std/assert";
import fc from "fast-check";
import { ModelFileError } from "../../../lib/model/model_file_error.ts";
import { openWeights, SafetensorsFile } from "../../../lib/model/weights/safetensors.ts";
import {
  encodeSafetensors,
  type TensorToWrite,
  writeSafetensors,
} from "../../../lib/model/weights/safetensors_writer.ts";
import { PlatformError } from "../../../lib/platform.ts";

/** A file with this header (JSON text, or what becomes it) and so many data bytes. */
function fileBytes(header: unknown, dataBytes: number): Uint8Array<ArrayBuffer> {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

async function inTemporaryFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const f32 = (...values: number[]): TensorToWrite => ({
  dtype: "F32",
  shape: [values.length],
  data: new Float32Array(values),
});

Deno.test("SafetensorsFile reads back what writeSafetensors wrote", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/new/model.safetensors`;
    const halves = new Uint16Array([0x3c00, 0xc000, 0x0001, 0x7c00, 0xfc00]);
    const brains = new Uint16Array([0x3f80, 0xc000, 0x0001]);
    await writeSafetensors(path, {
      flag: { dtype: "BOOL", shape: [3], data: new Uint8Array([1, 0, 1]) },
      half: { dtype: "F16", shape: [5], data: halves },
      brain: { dtype: "BF16", shape: [3, 1], data: brains },
      matrix: { dtype: "F32", shape: [3, 2], data: new Float32Array([1, 2, 3, 4, 5, 6]) },
      ids: { dtype: "I64", shape: [2], data: new BigInt64Array([-5n, 7n]) },
      one: { dtype: "F32", shape: [], data: new Float32Array([9]) },
      none: { dtype: "F32", shape: [0, 4], data: new Float32Array(0) },
    }, { note: "kept" });
    const file = await SafetensorsFile.open(path);
    assertEquals([...file.names].sort(), ["brain", "flag", "half", "ids", "matrix", "none", "one"]);
    assertEquals(file.metadata, { note: "kept" });
    assertEquals(file.entry("brain"), { dtype: "BF16", shape: [3, 1] });
    assertEquals([...await file.readFloats("half")], [1, -2, 2 ** -24, Infinity, -Infinity]);
    // The least bf16 is a subnormal of f32: 2^-133.
    assertEquals([...await file.readFloats("brain")], [1, -2, 2 ** -133]);
    assertEquals([...await file.readRows("matrix", 1, 2)], [3, 4, 5, 6]);
    assertEquals([...await file.readRows("matrix", 3, 0)], []);
    assertEquals([...await file.readInts("ids")], [-5, 7]);
    assertEquals([...await file.readInts("flag")], [1, 0, 1]);
    assertEquals([...await file.readFloats("one")], [9]);
    assertEquals((await file.readFloats("none")).length, 0);
    assertEquals((await file.read("half")).length, 10);
  });
});

Deno.test("SafetensorsFile widens every f16 exactly", async () => {
  const patterns = Uint16Array.from({ length: 65536 }, (_, bits) => bits);
  const bytes = encodeSafetensors({ all: { dtype: "F16", shape: [65536], data: patterns } });
  const url = URL.createObjectURL(new Blob([bytes]));
  const floats = await (await SafetensorsFile.open(url)).readFloats("all");
  URL.revokeObjectURL(url);
  // DataView's own conversion is the oracle.
  const view = new DataView(patterns.buffer) as DataView & { getFloat16(offset: number, little: boolean): number };
  for (let bits = 0; bits < 65536; bits++) {
    assert(Object.is(floats[bits], view.getFloat16(2 * bits, true)), `pattern ${bits} gave ${floats[bits]}`);
  }
});

Deno.test("encodeSafetensors and SafetensorsFile agree on any tensors", async () => {
  const tensors = fc.dictionary(
    fc.string({ minLength: 1 }).filter((name) => name !== "__metadata__" && name !== "__proto__"),
    fc.array(fc.float({ noNaN: true }), { maxLength: 9 }),
    { maxKeys: 5 },
  );
  await fc.assert(
    fc.asyncProperty(tensors, async (values) => {
      const written = Object.fromEntries(Object.entries(values).map(([name, floats]) => [name, f32(...floats)]));
      const url = URL.createObjectURL(new Blob([encodeSafetensors(written)]));
      const file = await SafetensorsFile.open(url);
      assertEquals([...file.names].sort(), Object.keys(values).sort());
      for (const [name, floats] of Object.entries(values)) assertEquals([...await file.readFloats(name)], floats);
      URL.revokeObjectURL(url);
    }),
    { seed: 7, numRuns: 40 },
  );
});

Deno.test("SafetensorsFile reads tensors and headers beyond the first read", async () => {
  await inTemporaryFolder(async (folder) => {
    const long = Float32Array.from({ length: 40_000 }, (_, index) => index);
    // Padding in the metadata makes the header longer than what is read at first.
    for (const note of ["", "x".repeat(100_000)]) {
      await writeSafetensors(`${folder}/long.safetensors`, {
        long: { dtype: "F32", shape: [4, 10_000], data: long },
        last: f32(1, 2, 3),
      }, { note });
      const file = await SafetensorsFile.open(`${folder}/long.safetensors`);
      assertEquals(await file.readFloats("long"), long);
      assertEquals(await file.readRows("long", 3, 1), long.slice(30_000));
      assertEquals([...await file.readFloats("last")], [1, 2, 3]);
    }
  });
});

Deno.test("SafetensorsFile names file and tensor of every fault", async () => {
  const entry = { dtype: "F32", shape: [2], data_offsets: [0, 8] };
  const tooLong = new Uint8Array(16);
  new DataView(tooLong.buffer).setBigUint64(0, 2n ** 60n, true);
  const cases: [string, Uint8Array<ArrayBuffer>, string][] = [
    ["empty file", new Uint8Array(0), "bad.safetensors: has 0 bytes"],
    ["cut in the length", new Uint8Array(5), "bad.safetensors: has 5 bytes"],
    ["header length past the limit", tooLong, "the format's limit is 100000000"],
    ["cut in the header", fileBytes({ w: entry }, 8).slice(0, 30), "but the file ends after 30: it is cut short"],
    ["cut in the data", fileBytes({ w: entry }, 7), 'tensor "w": its bytes go up to'],
    ["no JSON", fileBytes("{nope", 8), "bad.safetensors: header: not valid JSON"],
    ["no object", fileBytes("[1]", 8), "header must be a JSON object"],
    ["unknown dtype", fileBytes({ w: { ...entry, dtype: "F33" } }, 8), 'tensor "w": dtype "F33" is none of F64, F32'],
    ["inherited name as dtype", fileBytes({ w: { ...entry, dtype: "toString" } }, 8), 'dtype "toString" is none of'],
    [
      "shape of other size",
      fileBytes({ w: { ...entry, shape: [3] } }, 8),
      "F32 [3] needs 12 bytes, but data_offsets 0 to 8",
    ],
    ["offsets backwards", fileBytes({ w: { ...entry, data_offsets: [8, 0] } }, 8), "data_offsets 8 to 0"],
    [
      "negative size",
      fileBytes({ w: { ...entry, shape: [-2] } }, 8),
      "shape.0 must be a whole number of at least 0, not -2",
    ],
    ["no offsets", fileBytes({ w: { dtype: "F32", shape: [2] } }, 8), 'tensor "w": data_offsets must be two offsets'],
    ["entry of other kind", fileBytes({ w: 3 }, 8), 'tensor "w": must be an object with dtype'],
    ["overlap", fileBytes({ w: entry, v: { ...entry, data_offsets: [4, 12] } }, 12), 'tensors "w" and "v" share bytes'],
    ["metadata of other kind", fileBytes({ __metadata__: { a: 1 } }, 0), "__metadata__: a must be a string"],
  ];
  await inTemporaryFolder(async (folder) => {
    for (const [name, bytes, message] of cases) {
      await Deno.writeFile(`${folder}/bad.safetensors`, bytes);
      const error = await assertRejects(
        () => SafetensorsFile.open(`${folder}/bad.safetensors`),
        ModelFileError,
        message,
        name,
      );
      assert(error.message.startsWith("bad.safetensors: "), `${name}: ${error.message}`);
    }
  });
  await assertRejects(() => SafetensorsFile.open("nowhere.safetensors"), PlatformError, "no such file");
});

Deno.test("SafetensorsFile never fails but with its own errors on damaged bytes", async () => {
  const good = encodeSafetensors({ w: f32(1, 2, 3), v: f32(4) }, { note: "x" });
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length - 1),
      fc.integer({ min: 1, max: 255 }),
      fc.boolean(),
      async (at, change, cut) => {
        const bad = cut ? good.slice(0, at) : good.slice();
        if (!cut) bad[at] ^= change;
        const url = URL.createObjectURL(new Blob([bad]));
        try {
          const file = await SafetensorsFile.open(url);
          for (const name of file.names) await file.read(name);
        } catch (error) {
          assert(error instanceof ModelFileError, `${error}`);
          refused++;
        } finally {
          URL.revokeObjectURL(url);
        }
      },
    ),
    { seed: 11, numRuns: 300 },
  );
  assertGreater(refused, 100);
});

Deno.test("SafetensorsFile tells tensors that are missing or of another kind", async () => {
  await inTemporaryFolder(async (folder) => {
    await writeSafetensors(`${folder}/w.safetensors`, {
      floats: f32(1, 2),
      ids: { dtype: "I64", shape: [1], data: new BigInt64Array([2n ** 40n]) },
      wide: { dtype: "F64", shape: [1], data: new Float64Array([1]) },
    });
    const file = await SafetensorsFile.open(`${folder}/w.safetensors`);
    await assertRejects(
      () => file.readFloats("gone"),
      ModelFileError,
      'w.safetensors: has no tensor "gone"; it has 3:',
    );
    assertThrows(() => file.entry("gone"), ModelFileError, "has no tensor");
    await assertRejects(
      () => file.readFloats("ids"),
      ModelFileError,
      'tensor "ids" is stored as I64; floats are read from F32',
    );
    await assertRejects(() => file.readFloats("wide"), ModelFileError, "stored as F64");
    await assertRejects(() => file.readInts("floats"), ModelFileError, "integers are read from");
    await assertRejects(() => file.readInts("ids"), ModelFileError, "element 0 is 1099511627776");
    await assertRejects(() => file.readRows("floats", 1, 2), RangeError, "has 2 rows; 2 from row 1 on were asked for");
    await assertRejects(() => file.readRows("floats", 0.5, 1), RangeError, "has 2 rows");
  });
});

Deno.test("encodeSafetensors refuses data of another size than the shape", () => {
  assertThrows(() => encodeSafetensors({ w: { ...f32(1, 2), shape: [3] } }), RangeError, "needs 12 bytes, not 8");
  assertThrows(() => encodeSafetensors({ __metadata__: f32(1) }), RangeError, "can't be named");
});

async function writeShards(folder: string, map: unknown): Promise<void> {
  await writeSafetensors(`${folder}/a.safetensors`, { first: f32(1), second: f32(2, 3) });
  await writeSafetensors(`${folder}/b.safetensors`, { third: f32(4) });
  await Deno.writeTextFile(
    `${folder}/model.safetensors.index.json`,
    typeof map === "string" ? map : JSON.stringify(map),
  );
}

Deno.test("openWeights reads several files as one", async () => {
  const map = { first: "a.safetensors", second: "a.safetensors", third: "b.safetensors" };
  await inTemporaryFolder(async (folder) => {
    await writeShards(folder, { metadata: { total_size: 16 }, weight_map: map });
    for (const source of [folder, `${folder}/`, new URL(`file://${folder}`)]) {
      const weights = await openWeights(source);
      assertEquals(weights.names, ["first", "second", "third"]);
      assertEquals([weights.has("third"), weights.has("fourth")], [true, false]);
      assertEquals(weights.entry("second").shape, [2]);
      assertEquals([...await weights.readFloats("third")], [4]);
      assertEquals([...await weights.readRows("second", 1, 1)], [3]);
      await assertRejects(() => weights.readFloats("fourth"), ModelFileError, 'has no tensor "fourth"');
    }
  });
});

Deno.test("openWeights names what is wrong with an index", async () => {
  const cases: [unknown, string][] = [
    ["{", "model.safetensors.index.json: not valid JSON"],
    [{}, "weight_map must be an object of file names"],
    [{ weight_map: { first: 1 } }, "weight_map.first must be a file's name"],
    [{ weight_map: { first: "../a.safetensors" } }, "must be the name of a file in the same folder"],
    [{ weight_map: { first: "b.safetensors" } }, 'tensor "first" is in b.safetensors, which does not have it'],
  ];
  await inTemporaryFolder(async (folder) => {
    await assertRejects(() => openWeights(folder), ModelFileError, "has neither model.safetensors nor");
    for (const [map, message] of cases) {
      await writeShards(folder, map);
      await assertRejects(() => openWeights(folder), ModelFileError, message);
    }
    await writeShards(folder, { weight_map: { first: "c.safetensors" } });
    await assertRejects(() => openWeights(folder), PlatformError, "c.safetensors: no such file");
  });
});

Deno.test("openWeights reads over http, and asks a server without ranges for the file once", async () => {
  const bytes = encodeSafetensors({
    big: { dtype: "U8", shape: [100_000], data: new Uint8Array(100_000).fill(5) },
    w: f32(8),
  });
  for (const ranges of [true, false]) {
    let requests = 0;
    let sent = 0;
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
      if (!request.url.endsWith("/model.safetensors")) return new Response(null, { status: 404 });
      requests++;
      const asked = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
      if (!ranges || !asked) {
        // fileExists leaves before the body is read.
        return new Response(bytes);
      }
      const [start, last] = [Number(asked[1]), Math.min(Number(asked[2]), bytes.length - 1)];
      sent += last + 1 - start;
      const headers = { "content-range": `bytes ${start}-${last}/${bytes.length}` };
      return new Response(bytes.slice(start, last + 1), { status: 206, headers });
    });
    try {
      const weights = await openWeights(`http://127.0.0.1:${server.addr.port}/folder`);
      const opened = requests;
      assertEquals([...await weights.readFloats("w")], [8]);
      assertEquals((await weights.read("big")).every((byte) => byte === 5), true);
      // Looking for the file and reading its head; then one request a tensor beyond the head, or none.
      assertEquals([opened, requests], ranges ? [2, 3] : [2, 2]);
      assert(sent < 2 * bytes.length, `${sent} bytes were sent of ${bytes.length}`);
    } finally {
      await server.shutdown();
    }
  }
});
