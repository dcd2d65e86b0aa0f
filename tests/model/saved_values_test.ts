import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import {
  appendRandom,
  type CacheOptions,
  createMethod,
  HostValues,
  KeyValueCache,
  type Knobs,
  type MethodName,
  methodNames,
  presets,
  resolveKnobs,
  type StorageType,
  type ValuesPlace,
  valuesPlaces,
} from "../../lib/attention/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import {
  loadModel,
  type Model,
  SavedSessionError,
  SequenceReader,
  Session,
  type SessionOptions,
} from "../../lib/model/mod.ts";
import { PlatformError } from "../../lib/platform.ts";
import { writeTinyLlama } from "../evaluation/tiny_llama.ts";
import { gpuTestWith } from "../gpu_test_device.ts";

const tokensFrom = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => (seed + index * 7919) % 8000);

/** Where values lie; a file with room for a few blocks in memory. */
const on = (valuesOn: ValuesPlace): CacheOptions => ({
  valuesOn,
  ...(valuesOn === "file" && { valuesFile: { hotBytes: 10_000 } }),
});

/** A test with tiny random models of one and two KV heads, and a folder that goes at the end. Values from outside are gathered. */
function savedTest(
  name: string,
  run: (all: { models: readonly Model[]; path: string; folder: string; device: Device }) => Promise<void>,
): void {
  gpuTestWith({ choices: { "decode attention": "gathered" } }, name, async (device) => {
    const folder = await Deno.makeTempDir();
    try {
      await writeTinyLlama(`${folder}/one`, 512, { query: 2, keyValue: 1, size: 6 });
      await writeTinyLlama(`${folder}/two`, 512, { query: 4, keyValue: 2, size: 8 });
      using one = await loadModel(`${folder}/one`, { device });
      using two = await loadModel(`${folder}/two`, { device });
      await Deno.mkdir(`${folder}/saved`);
      await run({ models: [one, two], device, folder: `${folder}/saved`, path: `${folder}/saved/a.session` });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** What a session answers, bit for bit: logits of more tokens, an answer, logits again, and what was selected. */
async function goesOn(session: Session): Promise<unknown> {
  session.markQuestion();
  const first = await session.logits(tokensFrom(5, 9));
  const answer = await session.generate([8], { maxTokens: 3, stopTokens: [] });
  const then = await session.logits(tokensFrom(77, 40));
  const selected = (await session.readTrace()).map(({ layers }) =>
    layers.map(({ groups, picks }) => ({ groups, picks }))
  );
  const bits = [first, then].map((logits) => new Uint32Array(logits.slice().buffer));
  return { bits, answer, selected, tokens: session.tokens, scope: session.scope };
}

// long-heads reads values in order to select: they have to lie on the GPU.
const methods = methodNames.filter((name) => name !== "long-heads");

for (const part of [0, 1, 2]) {
  savedTest(`a session saved with values anywhere goes on anywhere, bit for bit (${part + 1} of 3)`, async (all) => {
    const { models, path, folder, device } = all;
    const cases = fc.record({
      method: fc.constantFrom<MethodName>(...methods.filter((_, index) => index % 3 === part)),
      model: fc.constantFrom(...models),
      keyType: fc.constantFrom<StorageType>("f32", "int8", ...(device.info.f16 ? ["f16" as const] : [])),
      pageTokens: fc.constantFrom(16, 48, 100, 256),
      knobs: fc.record<Partial<Knobs>>({
        share: fc.constantFrom("layer", "kvHead"),
        positions: fc.constantFrom("compact", "original"),
        recallEvery: fc.constantFrom(1, 3),
        queryCacheLength: fc.constantFrom(0, 7),
        k: fc.constantFrom(1, 4),
      }),
      length: fc.integer({ min: 1, max: 330 }),
      from: fc.constantFrom(...valuesPlaces),
      seed: fc.nat(5000),
    });
    const run = fc.asyncProperty(cases, async ({ method, model, keyType, pageTokens, length, seed, ...each }) => {
      const small = { globalSize: 8, window: 64, spanSize: 8, recallClip: 8, chunkSize: 32, allowBeyondTrained: true };
      const knobs = { ...each.knobs, ...small };
      const cache = { keyType, pageTokens, ...on(each.from) };
      using session = model.createSession({ method, knobs, cache, trace: true });
      await session.append(tokensFrom(seed, length));
      using fork = session.fork();
      await fork.append(tokensFrom(seed + 1, 20));
      await session.generate([9], { maxTokens: 2, stopTokens: [] });
      await session.save(path);
      assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["a.session"]);
      session.clearTrace();
      const expected = await goesOn(session);
      for (const place of valuesPlaces) {
        using restored = await model.restore(path, { trace: true, cache: on(place) });
        assertEquals(await goesOn(restored), expected, `${method}, ${each.from} to ${place}`);
      }
    });
    await fc.assert(run, { seed: 31 + part, numRuns: 6 });
  });
}

savedTest("a cache that passes through the host in several parts goes on anywhere too", async (all) => {
  const { models: [, model], path, device } = all;
  const shape = model.decoder.attentionShape;
  const knobs = resolveKnobs({ globalSize: 8, window: 64, spanSize: 8, recallClip: 8, chunkSize: 32 }, presets.demo);
  for (const place of ["gpu", "file"] as const) {
    const cache = new KeyValueCache(device, shape, on(place));
    const reader = new SequenceReader(model, createMethod("reattention", knobs, shape), cache, { trace: true });
    using session = new Session(reader);
    // 17 MiB in a file; a part is at most 16.
    await appendRandom(cache, 70_000);
    reader.tookIn(tokensFrom(1, 70_000));
    const parts: number[] = [];
    await session.save(path, { onProgress: (done, total) => parts.push(done / total) });
    assertEquals([parts.length, parts[1]], [2, 1]);
    const expected = await goesOn(session);
    for (const other of valuesPlaces) {
      using restored = await model.restore(path, { trace: true, cache: on(other) });
      assertEquals(await goesOn(restored), expected);
    }
  }
});

savedTest("keys outside the GPU are saved and restored with values, to any place", async (all) => {
  const { models, path } = all;
  for (const method of ["infllm", "streaming", "full"] as const) {
    const [model] = method === "infllm" ? models.slice(1) : models;
    const own = method === "infllm" ? { own: { block: 8, blocks: 4, local: 48, representatives: 4 } } : {};
    const knobs = { globalSize: 8, window: 64, chunkSize: 32, allowBeyondTrained: true, ...own };
    for (const from of [{ keysOn: "file" }, { keysOn: "gpu" }] as const) {
      using session = model.createSession({ method, knobs, trace: true, cache: { pageTokens: 48, ...from } });
      await session.append(tokensFrom(4, 300));
      await session.save(path);
      session.clearTrace();
      const expected = await goesOn(session);
      const places: CacheOptions[] = [{}, { keysOn: "host" }, { valuesOn: "host" }, { valuesOn: "gpu" }, {
        keysOn: "gpu",
        valuesOn: "file",
      }];
      for (const cache of places) {
        using restored = await model.restore(path, { trace: true, cache });
        const outside = (cache.keysOn ?? cache.valuesOn ?? from.keysOn) !== "gpu" && restored.cacheBytes === 0;
        const asked = cache.keysOn ?? (from.keysOn === "gpu" ? "gpu" : cache.valuesOn ?? from.keysOn);
        assertEquals(outside, asked !== "gpu", JSON.stringify([from, cache]));
        assertEquals(await goesOn(restored), expected, `${method}, ${JSON.stringify([from, cache])}`);
      }
    }
  }
});

savedTest("a restored session's values lie where the saved one's did, unless told otherwise", async (all) => {
  const { models: [model], path } = all;
  for (const place of valuesPlaces) {
    using session = model.createSession({ method: "streaming", cache: on(place) });
    await session.append(tokensFrom(1, 300));
    await session.save(path);
    using restored = await model.restore(path);
    assertEquals(restored.valuesTraffic !== undefined, place === "file");
    assertEquals(restored.cacheBytes, session.cacheBytes);
    for (const other of valuesPlaces) {
      using moved = await model.restore(path, { cache: { valuesOn: other } });
      assertEquals(moved.valuesTraffic !== undefined, other === "file");
      assertEquals(moved.cacheBytes < session.cacheBytes, place === "gpu" && other !== "gpu");
      // It can be saved again, and a fork of it goes its own way.
      using fork = moved.fork();
      await fork.append(tokensFrom(2, 40));
      await moved.save(path);
    }
  }
});

savedTest("what can't be restored to a place is refused with one error, before anything is read", async (all) => {
  const { models: [model], path, device } = all;
  const refused = async (
    saved: SessionOptions,
    given: SessionOptions,
    type: typeof RangeError | typeof SavedSessionError | typeof PlatformError,
    message: string,
  ) => {
    using session = model.createSession(saved);
    await session.append(tokensFrom(1, 100));
    await session.save(path);
    const before = device.memory.liveBytes;
    const error = await assertRejects(() => model.restore(path, given), type, message);
    assert(!error.message.includes("outside the GPU (valuesOn)"), error.message);
    assertEquals(device.memory.liveBytes, before);
  };
  const [file, host] = [{ cache: { valuesOn: "file" } }, { cache: { valuesOn: "host" } }] as const;
  const stored =
    'a.session: its values are stored as int8, and valuesOn "file" keeps f32; restore it with valuesOn "gpu"';
  await refused({ cache: { valueType: "int8" } }, file, SavedSessionError, stored);
  const asked = { cache: { valuesOn: "host", valueType: "int8" } } as const;
  await refused(host, asked, SavedSessionError, "valueType is f32 in the file and int8 here");
  const keys = 'its keys are stored as int8, and keysOn "host" keeps f32; restore it with keysOn "gpu"';
  await refused({ method: "full", cache: { keyType: "int8" } }, { cache: { keysOn: "host" } }, SavedSessionError, keys);
  const scored = { cache: { keysOn: "host" } } as const;
  await refused(
    { method: "reattention" },
    scored,
    RangeError,
    'keysOn "host": reattention reads the keys of all tokens',
  );
  await refused({ method: "long-heads" }, host, RangeError, 'valuesOn "host": long-heads reads the values');
  await refused({ knobs: { scoring: "qkv" } }, file, RangeError, 'for scores of the type "qkv"; use valuesOn "gpu"');
  const nowhere = { cache: { valuesOn: "disk" as "host" } };
  await refused(host, nowhere, RangeError, 'valuesOn "disk" must be "gpu" or "host" or "file"');
  await refused(host, { cache: { valuesFile: { hotBytes: 1 } } }, RangeError, 'valuesFile is for valuesOn "file"');
  const missing = { cache: { valuesFile: { folder: "/no/such/folder" } } };
  await refused(file, missing, PlatformError, "cannot make a file in /no/such/folder");
  await refused(file, { knobs: { window: 96 } }, SavedSessionError, "it was saved with other knobs: window");
});

savedTest("a save that is stopped leaves the old file and goes on", async (all) => {
  const { models: [model], path, folder } = all;
  for (const place of ["host", "file"] as const) {
    const options = { method: "reattention", cache: { pageTokens: 16, ...on(place) } } as const;
    using session = model.createSession(options);
    await session.append(tokensFrom(1, 400));
    await session.save(path);
    const before = await Deno.readFile(path);
    await session.append(tokensFrom(2, 100));
    // At any look at the signal: before the first page, between pages.
    for (const most of [0, 1, 7]) {
      for (const act of ["save", "restore"] as const) {
        let looks = 0;
        const signal = {
          throwIfAborted: () => {
            if (looks++ === most) throw new Error("enough");
          },
        } as AbortSignal;
        const stopped = () => act === "save" ? session.save(path, { signal }) : model.restore(path, { signal });
        await assertRejects(stopped, Error, "enough");
      }
    }
    await assertRejects(() => session.save(`${path}/inside`), PlatformError);
    assertEquals(await Deno.readFile(path), before);
    // One byte in the middle, where the values of some page are.
    before[before.length >> 1] ^= 1;
    await Deno.writeFile(path, before);
    await assertRejects(
      () => model.restore(path, { cache: on(place) }),
      SavedSessionError,
      "does not match its checksum",
    );
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["a.session"]);
    await session.save(path);
    using restored = await model.restore(path, { cache: on(place) });
    assertEquals(await goesOn(restored), await goesOn(session));
  }
});

savedTest("values that can't be read while saving, or kept while restoring, end it with their error", async (all) => {
  const { models: [model], path, folder, device } = all;
  const method = createMethod("reattention", presets.demo, model.decoder.attentionShape);
  for (const place of ["host", "file"] as const) {
    const cache = new KeyValueCache(device, model.decoder.attentionShape, { pageTokens: 16, ...on(place) });
    using session = new Session(new SequenceReader(model, method, cache, { trace: false }));
    await session.append(tokensFrom(1, 200));
    const host = cache.pool.host!;
    const readPage = host.readPage.bind(host);
    host.readPage = (layer, page, ...rest) => {
      return page === 3 ? Promise.reject(new PlatformError("cannot read page 3")) : readPage(layer, page, ...rest);
    };
    await assertRejects(() => session.save(path), PlatformError, "cannot read page 3");
    assertEquals([...Deno.readDirSync(folder)], []);
    host.readPage = readPage;
    await session.save(path);
    const { writePage } = HostValues.prototype;
    HostValues.prototype.writePage = () => Promise.reject(new PlatformError("cannot write"));
    try {
      await assertRejects(() => model.restore(path, { cache: on("host") }), PlatformError, "cannot write");
    } finally {
      HostValues.prototype.writePage = writePage;
    }
    await Deno.remove(path);
  }
});
