import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadModel } from "../../lib/model/mod.ts";
import { assertClose } from "../assert_close.ts";
import { gpuTest } from "../gpu_test_device.ts";

const folder = new URL("../../lib/model/demo/", import.meta.url);

/** What PyTorch computed from the same weights: experiments/demo_model/cross_check.py. */
const reference = JSON.parse(Deno.readTextFileSync(new URL("demo_reference.json", import.meta.url))) as {
  text: string;
  tokens: number[];
  likeliest: number[];
  last: number[];
  written: number[];
};

gpuTest("the embedded model expects and writes what PyTorch says", async (device) => {
  using model = await loadModel("demo", { device });
  assertEquals(model.tokenizer.encode(reference.text), reference.tokens);
  using session = model.createSession({ method: "full" });
  const logits = await session.logits(reference.tokens);
  const vocabulary = reference.last.length;
  const rows = reference.tokens.map((_, row) => logits.subarray(row * vocabulary, (row + 1) * vocabulary));
  assertEquals(rows.map((row) => row.indexOf(Math.max(...row))), reference.likeliest);
  // f32 on both sides, sums in another order: errors seen are below 1e-4 on logits of about 10.
  assertClose(rows.at(-1)!, reference.last, { absolute: 1e-3 });
  using writer = model.createSession({ method: "full" });
  assertEquals(await writer.generate(reference.tokens, { maxTokens: reference.written.length }), reference.written);
});

gpuTest("matrices kept as halves give the same numbers where the checkpoint's own are halves", async (device) => {
  if (!device.info.f16) return;
  using model = await loadModel("demo", { device, weights: "f16" });
  using session = model.createSession({ method: "full" });
  const logits = await session.logits(reference.tokens.slice(0, 64));
  using whole = await loadModel("demo", { device });
  using other = whole.createSession({ method: "full" });
  // The weights are the same numbers, the sums are f32 in another order.
  assertClose(logits, await other.logits(reference.tokens.slice(0, 64)), { absolute: 1e-3 });
  const wrong = { device, weights: "f64" as "f32" };
  await assertRejects(() => loadModel("demo", wrong), TypeError, 'weights f64 must be "f32" or "f16"');
});

Deno.test("the embedded model is at most 12 MB, tokenizer and configuration included", () => {
  const files = ["config.json", "tokenizer.json", "model.safetensors"];
  const bytes = files.reduce((sum, name) => sum + Deno.statSync(new URL(name, folder)).size, 0);
  assert(bytes <= 12_000_000, `${bytes} bytes`);
});
