import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseDemoRow } from "../../lib/evaluation/mod.ts";
import { ended, startScript } from "./run_script.ts";

const demo = (...args: string[]) => startScript("demo", args);

Deno.test("demo says what is wrong with its arguments, exit code 2", async () => {
  const { code, out, err } = await ended(demo("--length", "5"));
  assertEquals([code, out], [2, ""]);
  assertMatch(err, /^demo: --length "5" must be a whole number from 256 .*\n\nusage: deno task demo/);
});

Deno.test("demo --help prints the usage", async () => {
  const { code, out } = await ended(demo("--help"));
  assertEquals(code, 0);
  assertMatch(out, /^usage: deno task demo/);
});

Deno.test("demo prints a table, progress as plain lines, and writes page and rows", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const json = `${folder}/rows.json`;
    const args = [
      "--length",
      "400",
      "--method",
      "reattention-window",
      "--seed",
      "2",
      "--json",
      json,
      "--out",
      `${folder}/page`,
    ];
    const { code, out, err } = await ended(demo(...args));
    assertEquals(code, 0, err);
    assertMatch(out, /\n +400 {2}reattention-window +value +[01]\.\d\d +\d+ of 20 in 5 /);
    assertMatch(err, /^ +0 % {2}reattention-window at 400, reading 1 of 5, \d+ s\n/);
    const rows = JSON.parse(await Deno.readTextFile(json)).map(parseDemoRow);
    assertEquals(
      rows.map(({ method, length, questions, seed }: Record<string, unknown>) => [method, length, questions, seed]),
      [
        ["reattention-window", 400, 20, 2],
      ],
    );
    // Within the trained context the embedded model finds practically all of them.
    assert(rows[0].exact > 0.9, `exact match ${rows[0].exact}`);
    const page = await Deno.readTextFile(`${folder}/page/report.html`);
    assertStringIncludes(page, 'getElementById("figure-1")');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("demo ends by Ctrl-C with code 130 and no file", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const child = demo("--length", "131072", "--out", `${folder}/page`, "--json", `${folder}/rows.json`);
    const reader = child.stderr.getReader();
    let seen = "";
    while (!seen.includes("reading 1 of 1")) {
      const { value, done } = await reader.read();
      assert(!done, `ended early: ${seen}`);
      seen += new TextDecoder().decode(value);
    }
    reader.releaseLock();
    child.kill("SIGINT");
    const { code, err } = await ended(child);
    assertEquals(code, 130);
    assertStringIncludes(err, "stopped; no file was written");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** A text that neither training nor evaluation knows. */
const letter = Array.from(
  { length: 50 },
  (_, week) =>
    `Week ${week + 1}: the lighthouse keeper mended nets, and his dog slept by the stove.\n` +
    "Rain came in from the west. Nobody crossed the sound, so the post lay in the boathouse until Friday.\n",
).join("\n");

Deno.test("demo hides a person's sentence in a person's text and finds it", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/letter.txt`;
    await Deno.writeTextFile(file, letter);
    const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
    const [, needle, question] = readme.match(/--needle "(.*?)" (?:\\\n +)?--question "(.*?)"/)!;
    const json = `${folder}/answers.json`;
    const args = ["--haystack", file, "--needle", needle, "--question", question];
    const { code, out, err } = await ended(demo(...args, "--out", `${folder}/page`, "--json", json));
    assertEquals(code, 0, err);
    assertMatch(out, /\n +512 tokens {2}full +right {2}"The /);
    assertMatch(out, /\n +\d,\d{3} tokens {2}reattention +right {2}"The .*\(scope 512, /);
    assertMatch(out, /\n +\d,\d{3} tokens {2}reattention-window +right /);
    const answers = JSON.parse(await Deno.readTextFile(json));
    assertEquals(answers.filter(({ method }: { method: string }) => method === "reattention").length, 1);
    assertStringIncludes(await Deno.readTextFile(`${folder}/page/report.html`), 'getElementById("figure-0")');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("demo says so where the model can't answer a form even at 512 tokens, and which it can", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const file = `${folder}/letter.txt`;
    await Deno.writeTextFile(file, letter);
    const needle = ["--needle", "The keeper hid the brandy under the stairs.", "--question", "Where is it?"];
    const { code, out } = await ended(demo("--haystack", file, ...needle, "--out", `${folder}/page`));
    assertEquals(code, 1);
    assertMatch(out, /can't answer this form even at 512 tokens with full attention/);
    assertMatch(out, /Forms that it can answer:\n {2}--needle "/);
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["letter.txt"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("demo names a haystack that can't be read, or holds nothing", async () => {
  const asked = ["--needle", "The code of Zena is 482 913.", "--question", "What is the code of Zena?"];
  const missing = await ended(demo("--haystack", "/nowhere/at/all.txt", ...asked));
  assertEquals([missing.code, missing.out], [1, ""]);
  assertStringIncludes(missing.err, "/nowhere/at/all.txt");
  const empty = await Deno.makeTempFile();
  try {
    const { code, err } = await ended(demo("--haystack", empty, ...asked));
    assertEquals(code, 1);
    assertStringIncludes(err, "must be a text with words in it");
    const nothing = ["--haystack", empty, "--needle", "What is it?", "--question", "What is it?"];
    await Deno.writeTextFile(empty, letter);
    assertStringIncludes((await ended(demo(...nothing))).err, "say with --answer what the answer must hold");
  } finally {
    await Deno.remove(empty);
  }
});
