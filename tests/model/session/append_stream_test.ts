import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import { readBook } from "../../../lib/evaluation/mod.ts";
import { loadModel, type Model, type Session } from "../../../lib/model/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

function modelTest(name: string, run: (model: Model) => Promise<void>): void {
  gpuTest(name, async (device) => {
    using model = await loadModel("demo", { device });
    await run(model);
  });
}

const book = await readBook("emma");
const knobs = { window: 256, chunkSize: 128 };

/** A stream of bytes cut at the given shares of them, wherever that falls. */
function bytesOf(text: string, cuts: readonly number[]): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  const places = [0, ...cuts.map((share) => Math.floor(share * bytes.length)), bytes.length].sort((a, b) => a - b);
  return ReadableStream.from(places.slice(1).map((end, index) => bytes.slice(places[index], end)));
}

modelTest("a streamed text leaves the same session as the whole text, whatever its pieces", async (model) => {
  const text = `Élan — ${book.slice(0, 22_000)} 🙂 naïve`;
  using whole = model.createSession({ method: "reattention-window", knobs });
  await whole.append(text);
  const tokens = model.tokenizer.encode(text);
  assertEquals(whole.tokens, tokens);
  const prompt = model.tokenizer.encode(" He was", { addSpecialTokens: false });
  const expected = await logitsAfter(whole, prompt);
  await fc.assert(
    fc.asyncProperty(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }), async (cuts) => {
      using session = model.createSession({ method: "reattention-window", knobs });
      await session.append(bytesOf(text, cuts));
      assertEquals(session.tokens, tokens);
      assertEquals(await logitsAfter(session, prompt), expected);
    }),
    { numRuns: 2 },
  );
});

async function logitsAfter(session: Session, prompt: number[]): Promise<Float32Array> {
  using fork = session.fork();
  fork.markQuestion();
  return await fork.logits(prompt);
}

modelTest("a stream that follows on tokens and a waiting token goes on behind them", async (model) => {
  using session = model.createSession({ method: "streaming", knobs });
  await session.append("It rained all day.");
  const written = await session.generate(model.tokenizer.encode(" Then", { addSpecialTokens: false }), {
    maxTokens: 2,
  });
  const before = session.tokens;
  await session.append(ReadableStream.from([" It snowed", " too."]));
  assertEquals(session.tokens, [...before, ...model.tokenizer.encode(" It snowed too.", { addSpecialTokens: false })]);
  assertEquals(before.slice(-2), written);
});

modelTest("a stream is asked for more only when what came was read", async (model) => {
  using session = model.createSession({ method: "streaming", knobs });
  let asked = 0;
  const most: number[] = [];
  const source = new ReadableStream<string>({
    pull(controller) {
      asked++;
      if (asked > 8) return controller.close();
      controller.enqueue(book.slice(asked * 6_000, (asked + 1) * 6_000));
    },
  }, { highWaterMark: 0 });
  const progress: [number, number][] = [];
  await session.append(source, {
    onProgress: (done, total) => {
      progress.push([done, total]);
      most.push(asked * 6_000 - 4 * done);
    },
  });
  // Held at a time: a block of text, what decides about its cut, and the last piece; four characters a token, about.
  assert(Math.max(...most) < 45_000, `${Math.max(...most)} characters ahead`);
  assertEquals(progress.at(-1), [session.length, session.length]);
  assert(progress.every(([done, total]) => done <= total));
});

modelTest("after an abort the session says what it holds, goes on, and the stream is cancelled", async (model) => {
  using session = model.createSession({ method: "streaming", knobs });
  const stop = new AbortController();
  let cancelled: unknown;
  let piece = 0;
  const source = new ReadableStream<string>({
    // Ends never; after the third piece nothing comes any more.
    pull: (controller) => piece < 3 ? controller.enqueue(book.slice(piece++ * 20_000, piece * 20_000)) : undefined,
    cancel: (reason) => void (cancelled = reason),
  });
  setTimeout(() => stop.abort(new Error("enough")), 1500);
  await assertRejects(() => session.append(source, { signal: stop.signal }), Error, "enough");
  assertEquals((cancelled as Error).message, "enough");
  const { length } = session;
  assert(length > 1000, `${length} tokens read`);
  assertEquals(session.tokens.length, length);
  assertEquals(session.tokens, model.tokenizer.encode(book.slice(0, 60_000)).slice(0, length));
  await session.append(" It rained.");
  assert(session.length > length);
});

modelTest("a stream that fails or is no text keeps what was read, and says what is wrong", async (model) => {
  using session = model.createSession({ method: "streaming", knobs });
  const broken = ReadableStream.from([new TextEncoder().encode("It rained."), new Uint8Array([0xff, 0xfe])]);
  await assertRejects(() => session.append(broken), RangeError, "not UTF-8 text near its byte 10");
  const failing = new ReadableStream<string>({ start: (controller) => controller.error(new Error("disk gone")) });
  await assertRejects(() => session.append(failing), Error, "disk gone");
  const numbers = ReadableStream.from([5]) as unknown as ReadableStream<string>;
  await assertRejects(() => session.append(numbers), TypeError, "not number");
  assertEquals(session.length, 0);
  await session.append(ReadableStream.from(["It rained."]));
  assertEquals(session.tokens, model.tokenizer.encode("It rained."));
});
