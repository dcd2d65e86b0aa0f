import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { presets, resolveKnobs, Trace } from "../../lib/attention/mod.ts";
import { displaySymbol, showAs, sparkline, sparklineSvg, valueBundle } from "../../lib/notebook/mod.ts";
import { Device } from "../../lib/gpu/mod.ts";
import { loadModel } from "../../lib/model/mod.ts";
import { floatsToHalves, Tensor } from "../../lib/tensor/mod.ts";
import "../../lib/viz/mod.ts";
import { readSafetensorsParameters } from "./parameters.ts";

/** What Deno's kernel would send as a cell's result. */
async function shown(value: unknown): Promise<Record<string, string>> {
  return await (value as Record<symbol, () => Promise<Record<string, string>>>)[displaySymbol]();
}

Deno.test("a tensor shows shape, type, a preview and a line of values", async () => {
  using device = await Device.open();
  using tensor = Tensor.from(device, Float32Array.from({ length: 200 }, (_, i) => i / 2), [2, 10, 10]);
  const { "text/plain": text, "text/html": html } = await shown(tensor);
  assertStringIncludes(text, "tensor [2, 10, 10] f32, 200 elements, 800 bytes");
  assertStringIncludes(text, "from 0 to 99.50, mean 49.75");
  assertStringIncludes(text, "▁");
  assertEquals(html.match(/<tr>/g)?.length, 6);
  assertStringIncludes(html, "…");
  assertStringIncludes(html, "<svg");
});

Deno.test("tensors of other types and odd sizes show their values", async () => {
  using device = await Device.open();
  using whole = Tensor.from(device, Uint32Array.of(7, 4_000_000_000, 9), [3]);
  assertStringIncludes((await shown(whole))["text/plain"], "4000000000");
  using scalar = Tensor.from(device, Float32Array.of(NaN), []);
  assertStringIncludes((await shown(scalar))["text/plain"], "no finite number, 1 not finite");
  if (!device.info.f16) return;
  using halves = Tensor.from(device, floatsToHalves(Float32Array.of(0.5, -2, 3)), [3]);
  assertStringIncludes((await shown(halves))["text/plain"], "from -2 to 3");
});

Deno.test("a tensor that was disposed says so instead of showing what is there now", async () => {
  using device = await Device.open();
  const tensor = Tensor.from(device, Float32Array.of(1), [1]);
  tensor[Symbol.dispose]();
  const error = await shown(tensor).catch((error: Error) => error.message);
  assertStringIncludes(String(error), "used after it was disposed");
});

Deno.test("knobs show which differ from the paper's, and stay plain values", async () => {
  const knobs = resolveKnobs({ k: 8 });
  const { "text/plain": text, "text/html": html } = await shown(knobs);
  assertStringIncludes(text, "knobs: 1 of 15 differs");
  assert(/^k +8 +4 {2}\*$/m.test(text), text);
  assertEquals(html.match(/font-weight:bold/g)?.length, 1);
  assertEquals(resolveKnobs({}, presets.demo), { ...presets.demo });
  assertFalse(JSON.stringify(knobs).includes("Symbol"));
});

Deno.test("model and trace of a session show themselves, the trace with its figure", async () => {
  using device = await Device.open();
  using model = await loadModel("demo", { device });
  const summary = await shown(model);
  const parameters = await readSafetensorsParameters(
    new URL("../../lib/model/demo/model.safetensors", import.meta.url),
  );
  assertStringIncludes(summary["text/plain"], `llama model, ${parameters.toLocaleString("en-US")} parameters`);
  assertStringIncludes(summary["text/html"], "memory: weights");
  using session = model.createSession({ method: "reattention-window", trace: true });
  await session.append(Array.from({ length: 700 }, (_, i) => 5 + i % 200));
  await session.generate([7, 8, 9], { maxTokens: 2 });
  const steps = await session.readTrace();
  const trace = await shown(steps);
  assertStringIncludes(trace["text/plain"], `trace: ${steps.length} steps, ${model.config.layers} layers`);
  assertStringIncludes(trace["text/html"], "<table");
  assert("application/vnd.plotly.v1+json" in trace);
});

Deno.test("an empty trace shows itself in words", async () => {
  using device = await Device.open();
  using trace = new Trace(device);
  const bundle = await shown(await trace.read());
  assertStringIncludes(bundle["text/plain"], "trace: 0 steps");
  assertFalse("application/vnd.plotly.v1+json" in bundle);
});

Deno.test("valueBundle aligns columns in text and makes HTML harmless", () => {
  const { "text/plain": text, "text/html": html } = valueBundle({
    title: "<t>",
    columns: ["name", "n"],
    rows: [["<script>", "7"], ["b", "1,234"]],
  });
  assertEquals(text, "<t>\nname      n\n<script>      7\nb         1,234");
  assertFalse(String(html).includes("<script>"));
});

Deno.test("sparkline goes from low to high and leaves out what is no number", () => {
  assertEquals(sparkline([0, 7, NaN, 3.5]), "▁█ ▅");
  assertEquals(sparkline([2, 2]), "▅▅");
  assertStringIncludes(sparklineSvg([0, NaN, 1]), 'd="M1.0,23.0M159.0,1.0"');
});

Deno.test("showAs adds nothing that loops, JSON or spreading see", () => {
  const value = showAs([1, 2], "list", () => ({ "text/plain": "two" }));
  assertEquals([JSON.stringify(value), Object.keys(value), value], ["[1,2]", ["0", "1"], [1, 2]]);
});
