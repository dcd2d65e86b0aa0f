import { assert, assertEquals, assertMatch, assertNotEquals, assertRejects, assertThrows } from "@std/assert";
import { paperKnobs } from "../../lib/attention/mod.ts";
import { loadModel, SavedSessionError, type SessionOptions } from "../../lib/model/mod.ts";
import { knobsFromReference } from "../../lib/reference/mod.ts";
import { askNeedle, makeHaystack, Random } from "../../lib/evaluation/mod.ts";
import * as toolkit from "../../mod.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { runScript } from "../experiments/run_script.ts";
import { textOf } from "../source_files.ts";
import { joinedBlocks, runProgram } from "./program.ts";

const page = textOf("docs/guide.md");
const blocks = [...page.matchAll(/```ts ignore\n([\s\S]*?)```/g)].map(([, code]) => code);

/** Cells of the table of knobs, without their back-ticks, by the knob's name. */
const rows = new Map(
  [...page.matchAll(/^\| `(\w+)`\s+\|([^|]*)\|([^|]*)\|/gm)].map(([, knob, ...cells]) => {
    const [usual, name] = cells.map((cell) => cell.replaceAll("`", "").trim());
    return [knob, { usual, name }];
  }),
);

Deno.test("docs/guide.md: every knob has a row with its default and the name that the reference reads", () => {
  assertEquals(new Set(rows.keys()), new Set([...Object.keys(paperKnobs), "own"]));
  for (const [knob, usual] of Object.entries(paperKnobs)) assertEquals(rows.get(knob)!.usual, String(usual), knob);
  const other: Record<string, unknown> = {
    local_size: 2000,
    recall_type: "v",
    recall_option: "prefill_only",
    pe_original: false,
  };
  const plain = knobsFromReference({}).knobs as unknown as Record<string, unknown>;
  const named = [...rows].filter(([, { name }]) => name !== "none");
  assertEquals(named.length, 11);
  for (const [knob, { name }] of named) {
    const { knobs } = knobsFromReference({ [name]: other[name] ?? 200 });
    for (const [key, value] of Object.entries(knobs)) {
      if (key === knob) assertNotEquals(value, plain[key], `${knob} is not set by ${name}`);
      else assertEquals(value, plain[key], `${name} sets ${key}`);
    }
  }
});

Deno.test("docs/guide.md: every figure and every function that it names is there", () => {
  const figures = page.match(/`\w+Figure`/g)!.map((name) => name.slice(1, -1));
  assert(figures.length > 8);
  for (const name of [...figures, "show", "givePlotly", "keep", "saveFigure", "MemoryBudgetError"]) {
    assert(name in toolkit, `${name} is not exported`);
  }
});

Deno.test("docs/guide.md: its commands and their options are there", async () => {
  const tasks = JSON.parse(textOf("deno.json")).tasks;
  const options = new Map<string, string[]>();
  for (const [, line] of page.matchAll(/`npx -y deno task ([^`]*)`/g)) {
    const [task, ...words] = line.split(/\s+/);
    assert(task in tasks, `there is no task ${task}`);
    options.set(task, [...options.get(task) ?? [], ...words.filter((word) => word.startsWith("--"))]);
  }
  options.get("needle")!.push("--save", "--restore");
  for (const [task, names] of options) {
    if (names.length === 0) continue;
    const { out: help } = await runScript(task, ["--help"]);
    for (const name of names) assertMatch(help, new RegExp(`${name}\\b`), `${task} has no ${name}`);
  }
});

gpuTest(
  "docs/guide.md: its blocks, one after the other, are a program that does what the text says",
  async (device) => {
    // As a person would: all blocks in one file inside the clone. What it reads and writes lies in a folder of the test's.
    const folder = await Deno.makeTempDir();
    try {
      await Deno.writeTextFile(`${folder}/novel.txt`, await novel(device));
      const said = await runProgram(joinedBlocks(blocks), { cwd: folder });
      const [, value, expected] = /^ ?(\d+ \d+) expected (\d+ \d+)$/m.exec(said)!;
      assertEquals(value, expected);
      const [, scope, length] = /^scope (\d+) of (\d+) tokens, trained at 512$/m.exec(said)!.map(Number);
      assert(scope <= 512 && length > 2000, said);
      assertMatch(said, /^recallClip 63$/m);
      assertMatch(said, /^reattention, 32,768 tokens .*[\s\S]*^It (fits|does not fit)/m);
      assertMatch(said, /^Zena's code is +482 913$/m);
      assertMatch(await Deno.readTextFile(`${folder}/results/selected.html`), /plotly/i);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

gpuTest("docs/guide.md: what it says is refused is refused, in the words that it quotes", async (device) => {
  using model = await loadModel("demo", { device });
  const words = model.tokenizer.encode("It rained all day. ".repeat(60));
  const named: SessionOptions[] = [
    { method: "long-heads" },
    ...["v", "qkv", "qkv2"].map((scoring) => ({
      knobs: { scoring: scoring as "v" },
    })),
  ];
  for (const options of named) {
    assertThrows(() => model.createSession({ ...options, cache: { valuesOn: "host" } }), RangeError, "valuesOn");
  }
  using halves = model.createSession({ cache: { valueType: "int8" } });
  await halves.append(words.slice(0, 100));
  const folder = await Deno.makeTempDir();
  try {
    await halves.save(`${folder}/int8.session`);
    const elsewhere = () => model.restore(`${folder}/int8.session`, { cache: { valuesOn: "host" } });
    await assertRejects(elsewhere, SavedSessionError, "stored as int8");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const tooMuch = "more than the model's trained context";
  for (const knobs of [{ window: 1024 }, { recallClip: -1 }]) {
    assertThrows(() => model.createSession({ knobs }), RangeError, tooMuch);
  }
  using full = model.createSession({ method: "full" });
  await assertRejects(() => full.append(Array.from({ length: 600 }, () => words[1])), RangeError, tooMuch);
  const quotes = {
    "lib/gpu/adapter.ts": "no WebGPU adapter",
    "lib/viz/notebook/notebook_html.ts": "No figure: plotly is not in this page",
  };
  for (const [path, quoted] of Object.entries(quotes)) {
    assert(textOf(path).includes(quoted) && page.replace(/\s+/g, " ").includes(quoted), quoted);
  }
});

/** Prose with the sentence in its middle that the guide asks for. */
async function novel(device: toolkit.Device): Promise<string> {
  using model = await loadModel("demo", { device });
  const { tokenizer } = model;
  const { tokens, needles } = await makeHaystack({ tokenizer, tokens: 1800, needles: 1, random: new Random(3) });
  const text = tokenizer.decode([...tokens]);
  const { prompt } = askNeedle(needles[0]);
  assert(!prompt.includes("Zena"));
  const middle = text.indexOf(". ", text.length / 2) + 1;
  return `${text.slice(0, middle)} The secret code of Zena is 482 913.${text.slice(middle)}`;
}
