import { assertEquals, assertStringIncludes } from "@std/assert";
import { runScript } from "../run_script.ts";

const report = (...args: string[]) => runScript("report", args);

/** A needle grid of two answers at one length, as evaluate writes it. */
async function writeGrid(folder: string): Promise<void> {
  const inside = `${folder}/512/needle/demo-full`;
  await Deno.mkdir(inside, { recursive: true });
  const line = (depth: number, prediction: string) =>
    JSON.stringify({ context_length: 512, depth_percent: depth, prediction, gold: "The word is plum.*plum" });
  const lines = [line(0, "plum"), line(100, "<b>pear</b>"), "{ broken"];
  await Deno.writeTextFile(`${inside}/single_gkamradt.jsonl`, lines.join("\n") + "\n");
  await Deno.writeTextFile(`${folder}/settings.json`, JSON.stringify({ model: "demo", benchmark: "niah" }));
}

Deno.test("report makes a page of a folder of answers: scores, heatmap, settings, and lines that are no answers", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await writeGrid(`${folder}/run`);
    const { code, out, err } = await report(`${folder}/run/`);
    assertEquals([code, err], [0, ""]);
    assertStringIncludes(out, `${folder}/run.html`);
    const page = await Deno.readTextFile(`${folder}/run.html`);
    for (const text of ["512/needle/demo-full", "single_gkamradt", "benchmark &quot;niah&quot;", ".jsonl:3"]) {
      assertStringIncludes(page, text);
    }
    assertStringIncludes(page, "Share of keywords in 2 answers.");
    assertEquals(page.includes("<b>pear"), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("report refuses what it can't make of answers, naming it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/empty`);
    const empty = await report(`${folder}/empty`);
    assertEquals(empty.code, 1);
    assertStringIncludes(empty.err, "there is no file that ends with .jsonl");
    await writeGrid(`${folder}/run`);
    const table = await report(`${folder}/run`, "--csv", `${folder}/x.csv`);
    assertEquals(table.code, 2);
    assertStringIncludes(table.err, "--csv is for sweeps");
    const mixed = await report(`${folder}/run`, `${folder}/run/settings.json`);
    assertEquals(mixed.code, 2);
    assertStringIncludes(mixed.err, "not both at once");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
