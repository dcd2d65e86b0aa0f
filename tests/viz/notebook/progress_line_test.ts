import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { progressLine } from "../../../lib/viz/mod.ts";

/** Outputs as a notebook would get them. */
function outputsOf() {
  const outputs: { bundle: Record<string, unknown>; id: string; update: boolean }[] = [];
  const display = (bundle: Record<string, unknown>, output: { id: string; update: boolean }) => {
    outputs.push({ bundle, ...output });
    return Promise.resolve();
  };
  return { outputs, display };
}

Deno.test("progressLine is one output that is updated in place", async () => {
  let time = 0;
  const { outputs, display } = outputsOf();
  const progress = progressLine("reading", { now: () => time, display });
  for (let done = 0; done <= 8000; done += 1000) {
    progress.report(done, 8000);
    time += 100;
  }
  await progress.end();
  assertEquals(new Set(outputs.map(({ id }) => id)).size, 1);
  assertEquals(outputs.map(({ update }) => update), [false, ...outputs.slice(1).map(() => true)]);
  // A report every 100 ms, at most one line every 250 ms, and the end.
  const words = outputs.map(({ bundle }) => bundle["text/plain"]);
  assertEquals(words, [
    "reading: 0 of 8,000 tokens",
    "reading: 3,000 of 8,000 tokens, 0.5 s left",
    "reading: 6,000 of 8,000 tokens, 0.2 s left",
    "reading: done in 0.9 s",
  ]);
});

Deno.test("progressLine shows words as words", async () => {
  const { outputs, display } = outputsOf();
  const progress = progressLine("<b>", { display });
  progress.say("layer <3>");
  await progress.end("<script>");
  assertStringIncludes(String(outputs[0].bundle["text/html"]), "&lt;b&gt;: layer &lt;3&gt;");
  assert(!String(outputs[1].bundle["text/html"]).includes("<script>"));
});

Deno.test("progressLine outside a notebook does nothing", async () => {
  const progress = progressLine("reading");
  progress.report(1, 2);
  await progress.end();
});
