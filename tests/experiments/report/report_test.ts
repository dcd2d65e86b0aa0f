import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { parquetReadObjects } from "hyparquet";
import { fakeScore, fakeSpec, writeFakeSweep } from "./fake_sweep.ts";

const SCRIPT = new URL("../../../experiments/report.ts", import.meta.url).href;

async function run(command: string, args: string[]): Promise<{ code: number; out: string; err: string }> {
  const pipes = { stdin: "null", stdout: "piped", stderr: "piped", env: { NO_COLOR: "1" } } as const;
  const { code, stdout, stderr } = await new Deno.Command(command, { args, ...pipes }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

const report = (...args: string[]) => run(Deno.execPath(), ["run", "--allow-all", SCRIPT, ...args]);

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Everything that the command writes of one made-up sweep. */
async function written(folder: string): Promise<string> {
  await writeFakeSweep(`${folder}/k.db`, fakeSpec, fakeScore);
  const kinds = ["jsonl", "csv", "parquet", "latex", "summary", "records"];
  const { code, out, err } = await report(
    `${folder}/k.db`,
    ...kinds.flatMap((kind) => [`--${kind}`, `${folder}/k.${kind}`]),
  );
  assertEquals(code, 0, err);
  for (const kind of [...kinds, "html"]) assertStringIncludes(out, `${folder}/k.${kind}`);
  return out;
}

/** What "knobs.k" has on the average, as numbers of the made-up scores: 8 has one trial less, 1 failed once. */
const expected = [[1, (5 * 0.75 + 4 * 0.5) / 9], [4, 0.625], [8, (5 * 0.25 + 4 * 0) / 9]];

Deno.test("report writes one page, and the same trials as JSON lines, CSV and Parquet", () =>
  inFolder(async (folder) => {
    await written(folder);
    const lines = (await Deno.readTextFile(`${folder}/k.jsonl`)).trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines.length, 29);
    assertEquals([lines[0].sweep, lines[0].knobs.k, lines[0].seed, lines[0].score], ["fake k", 1, 0, 0.75]);
    const failed = lines.find(({ status }) => status === "failed");
    assertEquals([failed.score, failed.error], [null, 'RangeError: "no", <b>really</b>']);
    // Flat: nothing but knobs and the task's options stands inside.
    const inside = Object.entries(lines[0]).filter(([, value]) => typeof value === "object" && value !== null);
    assertEquals(inside.map(([name]) => name), ["task", "knobs"]);

    const csv = await Deno.readTextFile(`${folder}/k.csv`);
    assertEquals(csv.trim().split("\n").length, 30);
    assertStringIncludes(csv, '"RangeError: ""no"", <b>really</b>"');

    const file = (await Deno.readFile(`${folder}/k.parquet`)).buffer as ArrayBuffer;
    const rows = await parquetReadObjects({ file });
    assertEquals(rows.length, 29);
    const means = [1, 4, 8].map((k) => {
      const scores = rows.filter((row) => row["knobs.k"] === BigInt(k) && row.score !== null).map(({ score }) =>
        score as number
      );
      return [k, scores.reduce((sum, score) => sum + score, 0) / scores.length];
    });
    assertEquals(means, expected);
  }));

Deno.test("report's page holds tables, figures, comparisons, errors and the spec, and asks the network for nothing", () =>
  inFolder(async (folder) => {
    await written(folder);
    const page = await Deno.readTextFile(`${folder}/k.html`);
    assertStringIncludes(page, "<h1>Sweep: fake k</h1>");
    for (
      const heading of [
        "settings",
        "k",
        "Cost against quality",
        "against the baseline",
        "trials",
        "spec and environment",
      ]
    ) {
      assertStringIncludes(page, `<h2>${heading}</h2>`);
    }
    assertMatch(page, /28 trials[^<]*; 1 still to run/);
    // 8 against 4: half less on nine contexts, 2 of 512 sign flips, twice that by Holm.
    assertMatch(
      page,
      /<td>k 8<\/td><td>k 4<\/td><td class="number">−0\.50<\/td>.*<td class="number">0\.004<\/td><td class="number">0\.008<\/td>/,
    );
    assertStringIncludes(page, "RangeError: &quot;no&quot;, &lt;b&gt;really&lt;/b&gt;");
    assertFalse(/<(script|link|img)[^>]+(src|href)=/.test(page));
  }));

Deno.test("report reads its own records again, and several sweeps at once", () =>
  inFolder(async (folder) => {
    await written(folder);
    await writeFakeSweep(`${folder}/easy.db`, { ...fakeSpec, name: "easy" }, () => 1);
    const { code, out } = await report(
      `${folder}/k.records`.replace("records", "db"),
      `${folder}/easy.db`,
      "--out",
      `${folder}/two.html`,
    );
    assertEquals(code, 0);
    assertMatch(out, /^easy: uninformative: every setting scores 1/);
    assertStringIncludes(await Deno.readTextFile(`${folder}/two.html`), "<h1>2 sweeps</h1>");
    await Deno.copyFile(`${folder}/k.records`, `${folder}/again.jsonl`);
    const again = await report(`${folder}/again.jsonl`, "--summary", `${folder}/again.json`);
    assertEquals(again.code, 0, again.err);
    const summary = async (name: string) => JSON.parse(await Deno.readTextFile(`${folder}/${name}`))[0];
    const [first, second] = [await summary("k.summary"), await summary("again.json")];
    assertEquals([second.settings, second.comparisons], [first.settings, first.comparisons]);
  }));

Deno.test("report's LaTeX has booktabs rules, intervals, and no character that LaTeX would take for its own", () =>
  inFolder(async (folder) => {
    await written(folder);
    const latex = await Deno.readTextFile(`${folder}/k.latex`);
    for (
      const part of ["\\toprule", "\\midrule", "\\bottomrule", "8 & 0.14 & [", "& $-$0.50 & 0.008 \\\\", "4 & 0.63 & ["]
    ) {
      assertStringIncludes(latex, part);
    }
    assertEquals(latex.match(/\\begin\{/g)?.length, latex.match(/\\end\{/g)?.length);
    assertFalse(/(^|[^\\])[_#]/m.test(latex));
  }));

Deno.test("report draws what was kept of trials' selections, and links them", () =>
  inFolder(async (folder) => {
    const group = { indices: [0, 1, 40, 41, 98, 99], centers: [41], votes: [3], globalCount: 2, windowStart: 98 };
    const trace = { length: 100, questionStart: 90, prompt: "?", layers: [{ layer: 0, groups: [group] }] };
    await writeFakeSweep(`${folder}/k.db`, { ...fakeSpec, traces: true }, fakeScore, trace);
    assertEquals((await report(`${folder}/k.db`)).code, 0);
    const page = await Deno.readTextFile(`${folder}/k.html`);
    const [, target] = page.match(/<a href="#(selection-[0-9a-f]{16})">drawn below<\/a>/)!;
    assertStringIncludes(page, `<option value="${target}">k 1, seed 0</option>`);
    assertStringIncludes(page, "const choices = [{");
  }));

Deno.test("report says what is wrong with its arguments and files", () =>
  inFolder(async (folder) => {
    const nothing = await report();
    assertEquals(nothing.code, 2);
    assertMatch(nothing.err, /^report: give a sweep's file.*\n\nusage: deno task report/);
    assertMatch((await report(`${folder}/none.db`)).err, /^report: cannot open .*none\.db: no such file/);
    await Deno.writeTextFile(`${folder}/bad.jsonl`, '\n{"version": 7}\n');
    assertMatch((await report(`${folder}/bad.jsonl`)).err, /bad\.jsonl:2: trial record: version: must be 1 or 2, /);
    await writeFakeSweep(`${folder}/empty.db`, fakeSpec, () => undefined);
    assertMatch((await report(`${folder}/empty.db`)).err, /^report: fake k: no trial came to a result yet/);
    assert(![...Deno.readDirSync(folder)].some(({ name }) => name.endsWith(".html")));
  }));

const PYTHON = Deno.env.get("PYTHON") ?? "python3";
const { code: missing } = await run(PYTHON, ["-c", "import pandas, pyarrow, duckdb"]).catch(() => ({ code: 1 }));

Deno.test({
  name: "report's tables open in pandas and DuckDB (python3 with pandas, pyarrow and duckdb; PYTHON names another)",
  ignore: missing !== 0,
  fn: () =>
    inFolder(async (folder) => {
      await written(folder);
      const program = `
import json, sys, pandas, duckdb
folder = sys.argv[1]
frames = [pandas.read_parquet(folder + "/k.parquet"), pandas.read_csv(folder + "/k.csv")]
means = [[[int(k), float(v)] for k, v in frame.groupby("knobs.k").score.mean().items()] for frame in frames]
lines = pandas.read_json(folder + "/k.jsonl", lines=True)
lines["k"] = [knobs["k"] for knobs in lines.knobs]
means.append([[int(k), float(v)] for k, v in lines.groupby("k").score.mean().items()])
for source, column in [("k.parquet", '"knobs.k"'), ("k.csv", '"knobs.k"')]:
    rows = duckdb.sql(f"select {column}, avg(score) from '{folder}/{source}' group by 1 order by 1").fetchall()
    means.append([[int(k), float(v)] for k, v in rows])
rows = duckdb.sql(f"select knobs.k, avg(score) from '{folder}/k.jsonl' group by 1 order by 1").fetchall()
means.append([[int(k), float(v)] for k, v in rows])
types = {name: str(kind) for name, kind in frames[0].dtypes.items() if name in ("score", "knobs.k", "shared", "knobs.allowBeyondTrained")}
print(json.dumps({"means": means, "types": types, "errors": int(frames[0].error.notna().sum())}))
`;
      const { code, out, err } = await run(PYTHON, ["-c", program, folder]);
      assertEquals(code, 0, err);
      const { means, types, errors } = JSON.parse(out);
      const rounded = (all: number[][]) => all.map(([k, mean]) => [k, Number(mean.toFixed(12))]);
      for (const found of means) assertEquals(rounded(found), rounded(expected));
      assertEquals([means.length, errors], [6, 1]);
      assertEquals([types.score, types["knobs.k"], types["knobs.allowBeyondTrained"]], ["float64", "int64", "bool"]);
    }),
});

Deno.test("report shows each of several models, and all of them together", () =>
  inFolder(async (folder) => {
    const spec = { ...fakeSpec, models: ["demo", "seeds/a_b"] };
    await writeFakeSweep(`${folder}/m.db`, spec, ({ model, knobs, seed }) => {
      return (seed % 2 ? 0.5 : 0.75) - (knobs.k === 8 ? model === "demo" ? 0.25 : 0.5 : 0);
    });
    const { code, err } = await report(
      ...[
        `${folder}/m.db`,
        "--summary",
        `${folder}/m.json`,
        "--latex",
        `${folder}/m.tex`,
        "--records",
        `${folder}/m.jsonl`,
      ],
    );
    assertEquals(code, 0, err);
    const page = await Deno.readTextFile(`${folder}/m.html`);
    assertStringIncludes(page, "<h2>all models together</h2>");
    assertMatch(page, /<td>k 8<\/td><td>k 4<\/td><td class="number">−0\.38<\/td>/);
    assertMatch(page, /<td>model seeds\/a_b, k 8<\/td><td>model seeds\/a_b, k 4<\/td><td class="number">−0\.50<\/td>/);
    assertStringIncludes(page, "<td>fingerprint of seeds/a_b</td><td>seeds/a_b-0</td>");
    const [{ models, pooled, settings }] = JSON.parse(await Deno.readTextFile(`${folder}/m.json`));
    assertEquals(models[1], { name: "seeds/a_b", fingerprints: ["seeds/a_b-0"] });
    assertEquals([settings.length, pooled.settings.length, pooled.comparisons[1].difference], [6, 3, -0.375]);
    const latex = await Deno.readTextFile(`${folder}/m.tex`);
    assertMatch(latex, /\n {4}seeds\/a\\_b & 8 & 0\.13 .*\n {4}\\midrule\n {4}all & 1 & 0\.63 /);
    // Records alone say the same of each model and of all.
    const again = await report(`${folder}/m.jsonl`, "--out", `${folder}/again.html`);
    assertEquals(again.code, 0, again.err);
    assertStringIncludes(await Deno.readTextFile(`${folder}/again.html`), "<h2>all models together</h2>");
  }));
