import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parseDemoRow } from "../../lib/evaluation/mod.ts";

const SCRIPT = new URL("../../experiments/demo.ts", import.meta.url).href;

function demo(...args: string[]): Deno.ChildProcess {
  const env = { NO_COLOR: "1" };
  const pipes = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  return new Deno.Command(Deno.execPath(), { args: ["run", "--allow-all", SCRIPT, ...args], env, ...pipes }).spawn();
}

async function ended(child: Deno.ChildProcess): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("demo says what is wrong with its arguments, exit code 2", async () => {
  const { code, out, err } = await ended(demo("--length", "5"));
  assertEquals([code, out], [2, ""]);
  assertMatch(err, /^demo: --length "5" must be a whole number from 129 .*\n\nusage: deno task demo/);
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
    assertMatch(out, /\n +400 {2}reattention-window +[01]\.\d\d +\d+ of 24 /);
    assertMatch(err, /^ +0 % {2}reattention-window at 400, reading 1 of 3, \d+ s\n/);
    const rows = JSON.parse(await Deno.readTextFile(json)).map(parseDemoRow);
    assertEquals(
      rows.map(({ method, length, questions, seed }: Record<string, unknown>) => [method, length, questions, seed]),
      [
        ["reattention-window", 400, 24, 2],
      ],
    );
    // Within the trained context the embedded model finds practically all of them.
    assert(rows[0].exact > 0.9, `exact match ${rows[0].exact}`);
    const page = await Deno.readTextFile(`${folder}/page/report.html`);
    assertStringIncludes(page, 'Plotly.newPlot("figure-1"');
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
