import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { type Knobs, methodNames } from "../../lib/attention/mod.ts";
import { readBook } from "../../lib/evaluation/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import { loadModel, type Model, SavedSessionError, type Session, type SessionOptions } from "../../lib/model/mod.ts";
import { PlatformError, readBytes } from "../../lib/platform.ts";
import { gpuTest } from "../gpu_test_device.ts";

const text = (await readBook("persuasion")).slice(0, 1400);
const small: Partial<Knobs> = { globalSize: 16, window: 128, chunkSize: 64, k: 4, spanSize: 16, recallClip: 6 };

function savedTest(
  name: string,
  run: (all: { model: Model; path: string; folder: string; device: Device }) => Promise<void>,
): void {
  gpuTest(name, async (device) => {
    const folder = await Deno.makeTempDir();
    try {
      using model = await loadModel("demo", { device });
      await run({ model, device, folder, path: `${folder}/one.session` });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

/** What a session answers, and the logits on the way: an answer, what follows a text, an answer again. */
async function goesOn(session: Session): Promise<unknown[]> {
  const { tokenizer } = session.model;
  const encode = (text: string) => tokenizer.encode(text, { addSpecialTokens: false });
  session.markQuestion();
  const first = await session.generate(encode(" And then the"), { maxTokens: 5 });
  const logits = await session.logits(encode(" She had been told, he said, of this"));
  return [first, [...logits.slice(-8192)], await session.generate(encode(" It was"), { maxTokens: 3 }), session.tokens];
}

/** Reads, answers, saves; the restored session then goes on bit for bit as the saved one, and so does its fork. */
async function checkRestored(model: Model, path: string, options: SessionOptions, given: SessionOptions = {}) {
  using session = model.createSession(options);
  await session.append(text);
  await session.generate(model.tokenizer.encode(" He", { addSpecialTokens: false }), { maxTokens: 3 });
  await session.save(path);
  using restored = await model.restore(path, given);
  assertEquals([restored.length, restored.tokens, restored.scope], [session.length, session.tokens, session.scope]);
  assertEquals(restored.memoryBytes, session.memoryBytes);
  // A fork shares the restored pages and everything beside them.
  using fork = restored.fork();
  assertEquals(await goesOn(fork), await goesOn(session));
}

for (const method of methodNames) {
  savedTest(`a restored session goes on bit for bit: ${method}`, async ({ model, path }) => {
    await checkRestored(model, path, { method, knobs: { ...small, allowBeyondTrained: true } });
  });
}

savedTest("a query cache, a held selection and halves are restored too", async ({ model, path, device }) => {
  await checkRestored(model, path, { method: "reattention", knobs: { ...small, queryCacheLength: 7, recallEvery: 3 } });
  await checkRestored(model, path, { method: "reattention", knobs: { ...small, share: "kvHead", scoring: "qkv" } });
  if (!device.info.f16) return;
  const cache = { keyType: "f16", valueType: "f16", pageTokens: 64 } as const;
  await checkRestored(model, path, { method: "reattention", knobs: small, cache });
});

savedTest("layers that differ have to be given again", async ({ model, path }) => {
  const options: SessionOptions = { method: { "0-1": "full", default: "reattention" }, knobs: small };
  await checkRestored(model, path, options, options);
  await assertRejects(() => model.restore(path), SavedSessionError, "layers that differ");
  const other: SessionOptions = { ...options, method: { "0-2": "full", default: "reattention" } };
  await assertRejects(() => model.restore(path, other), SavedSessionError, "layer 2 is");
});

savedTest(
  "a fork is saved, with what waits to be read, and another process goes on with it",
  async ({ model, path }) => {
    using session = model.createSession({ method: "reattention", knobs: small });
    await session.append(text);
    using fork = session.fork();
    const prompt = model.tokenizer.encode(" Anne thought", { addSpecialTokens: false });
    await fork.generate(prompt, { maxTokens: 4 });
    await fork.save(path);
    const script = new URL("./restore_elsewhere.ts", import.meta.url);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", script.pathname, path],
    }).output();
    assert(success, new TextDecoder().decode(stderr));
    const expected = await fork.generate(prompt, { maxTokens: 12 });
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)), { length: fork.length, answer: expected });
  },
);

async function savedFile(model: Model, path: string): Promise<void> {
  using session = model.createSession({ method: "quest", knobs: small });
  await session.append(text);
  await session.save(path);
}

savedTest("a file that was cut off anywhere, or has one other byte, is refused", async ({ model, path, folder }) => {
  await savedFile(model, path);
  const whole = await readBytes(path);
  const damaged = `${folder}/damaged.session`;
  const refused = async (bytes: Uint8Array) => {
    await Deno.writeFile(damaged, bytes);
    const error = await assertRejects(() => model.restore(damaged), SavedSessionError);
    assertStringIncludes(error.message, damaged);
  };
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), async (length) => await refused(whole.slice(0, length))),
    { numRuns: 15, examples: [[0], [8], [15], [40], [whole.length - 1]] },
  );
  await fc.assert(
    fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (place, change) => {
      await refused(whole.map((byte, index) => index === place ? byte ^ change : byte));
    }),
    { numRuns: 25, examples: [[0, 1], [8, 1], [12, 1], [20, 1], [whole.length - 1, 128]] },
  );
  await refused(new Uint8Array([...whole, 0]));
});

savedTest("a session is refused with other knobs, storage, method or model, saying what differs", async (all) => {
  const { model, path, device } = all;
  await savedFile(model, path);
  const refuses = async (options: SessionOptions, message: string, by = model) => {
    await assertRejects(() => by.restore(path, options), SavedSessionError, message);
  };
  await refuses({ method: "quest", knobs: { ...small, window: 96 } }, "window is 128 in the file and 96 here");
  await refuses({ method: "reattention", knobs: small }, 'the method "quest", not "reattention"');
  await refuses({ cache: { pageTokens: 128 } }, "pageTokens is 256 in the file and 128 here");
  using restored = await model.restore(path, { method: "quest", knobs: small });
  assertEquals(restored.method.name, "quest");
  const other = await otherModel(all.folder, device);
  using _sameShape = other;
  await refuses({}, "another model of the same shape", other);
  using golden = await loadModel(new URL("../../../shared/goldens/models/llama_plain", import.meta.url), { device });
  await refuses({}, "another model: ", golden);
});

/** The embedded model with one norm changed. */
async function otherModel(folder: string, device: Device): Promise<Model> {
  const demo = new URL("../../lib/model/demo/", import.meta.url);
  for (const name of ["config.json", "tokenizer.json"]) await Deno.copyFile(new URL(name, demo), `${folder}/${name}`);
  const bytes = await Deno.readFile(new URL("model.safetensors", demo));
  for (let place = bytes.length - 4096; place < bytes.length; place++) bytes[place] ^= 1;
  await Deno.writeFile(`${folder}/model.safetensors`, bytes);
  return await loadModel(folder, { device });
}

savedTest("what fails while saving leaves the old file and nothing else", async ({ model, path, folder }) => {
  await savedFile(model, path);
  const before = await readBytes(path);
  using session = model.createSession({ method: "streaming", knobs: small });
  await session.append(text);
  const stop = new AbortController();
  stop.abort(new Error("enough"));
  await assertRejects(() => session.save(path, { signal: stop.signal }), Error, "enough");
  await assertRejects(() => session.save(`${path}/inside`), PlatformError);
  assertEquals(await readBytes(path), before);
  assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["one.session"]);
  await Deno.writeTextFile(`${folder}/text`, "It rained all day long.");
  await assertRejects(() => model.restore(`${folder}/text`), SavedSessionError, "no saved session");
  await assertRejects(() => model.restore(`${folder}/none`), PlatformError, "none");
});
