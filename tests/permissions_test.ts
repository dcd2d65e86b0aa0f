import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { tinyLlamaFiles } from "./evaluation/tiny_llama.ts";
import { COMMIT, FakeHub } from "./model/hub/fake_hub.ts";
import { ROOT, textOf } from "./source_files.ts";

const tasks: Record<string, string> = JSON.parse(textOf("deno.json")).tasks;
const goldens = decodeURIComponent(new URL("../../shared/goldens/attention", import.meta.url).pathname);
const hasChromium = exists("/usr/bin/chromium") || Deno.env.has("CHROMIUM");

function exists(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch {
    return false;
  }
}

/** A small run of a task that goes the way of a real one, and what it prints. */
interface SmallRun {
  readonly task: string;
  readonly args: (folder: string) => string[];
  readonly prints: RegExp;
  /** Exit codes that are well. Default: 0. */
  readonly codes?: readonly number[];
  /** Left out where something that it needs is missing. */
  readonly ignore?: boolean;
}

/** A task's line with what other tasks stand for. */
function wholeLine(line: string): string {
  return line.replace(/deno task --quiet (with-\w+)/g, (_, name) => wholeLine(tasks[name]));
}

/** A line that `deno task score --check` computes again. */
const GOLDEN = JSON.stringify({
  ...{ id: "count-0", benchmark: "longbench", task: "passage_count", metric: "count" },
  ...{ prediction: " 16\n", references: ["16"], score: 1 },
});
const FIGURE = JSON.stringify({ data: [{ type: "scatter", x: [1, 2], y: [1, 2] }], layout: {} });
const ONE_SWEEP = ["--sweep", "k=4", "--lengths", "512", "--seeds", "0..0"];

/** In this order: what one wrote, another reads. `folder` lies in results, all that most tasks may write into. */
const SMALL_RUNS: readonly SmallRun[] = [
  { task: "setup", args: () => [], prints: /WebGPU adapter: / },
  {
    task: "demo",
    args: (folder) => ["--length", "256", "--method", "streaming", "--out", folder, "--json", `${folder}/demo.json`],
    prints: /256 +streaming/,
  },
  // `true` takes the place of Python: every program is started and does nothing.
  { task: "recipe", args: () => ["--python", "true", "--no-evaluation"], prints: /demo_model\/cross_check\.py/ },
  {
    task: "verify",
    args: (folder) => ["--attention", `${folder}/goldens`],
    prints: /1 passed, 0 failed/,
    ignore: !exists(goldens),
  },
  {
    task: "evaluate",
    args: (folder) => [
      ...["--benchmark", "niah", "--lengths", "512", "--depths", "0,50", "--methods", "streaming"],
      ...["--max-new", "1", "--out", `${folder}/evaluate`],
    ],
    prints: /answers and scores|streaming/,
  },
  {
    task: "evaluate",
    args: (folder) => [
      ...["--benchmark", "niah", "--lengths", "512", "--depths", "0,50", "--methods", "streaming"],
      ...["--max-new", "1", "--out", `${folder}/shared`, "--executor", "local:1"],
    ],
    prints: /answers and scores|streaming/,
  },
  {
    task: "reproduce",
    args: (folder) => [
      ...["--model", "demo", "--table", "niah", "--lengths", "512", "--depths", "50", "--probe", "0", "--plan"],
      ...["--out", `${folder}/reproduce`],
    ],
    prints: /questions? by each of/,
  },
  { task: "score", args: (folder) => ["--check", `${folder}/golden.jsonl`], prints: /1 of 1 lines agree/ },
  { task: "loading", args: () => ["--gib", "0.1"], prints: /\d MiB beside them \(600 allowed\)/ },
  {
    task: "shapes",
    args: (folder) => [
      ...["--model", "tiny", "--layer", "--lengths", "1K", "--json", `${folder}/shapes.json`],
    ],
    prints: /tiny +layer +full +1,024 +decode/,
  },
  {
    task: "needle",
    args: (folder) => [
      ...["--length", "600", "--questions", "1", "--save", `${folder}/n.session`, "--json", `${folder}/needle.json`],
      ...["--figure", `${folder}/needle.html`],
    ],
    prints: /figure: .*needle\.html/,
  },
  {
    task: "compare",
    args: (folder) => [
      ...["--quick", "--length", "512", "--method", "streaming", "--variant", "plain", "--haystacks", "1", "--untimed"],
      ...["--out", `${folder}/compare`, "--json", `${folder}/compare.json`],
    ],
    prints: /page: .*compare\/report\.html/,
  },
  { task: "ablate", args: (folder) => [...ONE_SWEEP, "--out", `${folder}/here.db`], prints: /1 of 1|done/ },
  {
    task: "ablate",
    args: (folder) => [
      ...[...ONE_SWEEP, "--executor", "local:1", "--run", `${folder}/run`, "--out", `${folder}/local.db`],
    ],
    prints: /1 trials in 1 tasks/,
  },
  { task: "report", args: (folder) => [`${folder}/here.db`, "--out", `${folder}/report.html`], prints: /page: / },
  {
    task: "explorer",
    args: (folder) => ["--out", `${folder}/page`],
    prints: /page\/index\.html and 14 files beside it/,
  },
  {
    task: "plan",
    args: (folder) => ["--length", "4096", "--json", `${folder}/plan.json`],
    prints: /It fits/,
  },
  {
    task: "storage",
    args: (folder) => ["--length", "1024", "--haystacks", "1", "--needles", "1", "--json", `${folder}/storage.json`],
    prints: /int8/,
  },
  {
    task: "soak",
    args: (folder) => ["--steps", "64", "--context", "512", "--answer", "16", "--json", `${folder}/soak.json`],
    prints: /64 decode steps/,
    // On a machine that does other things too, speed is not flat over a second.
    codes: [0, 3],
  },
  {
    task: "positions",
    args: (folder) => ["--length", "100", "--method", "streaming", "--json", `${folder}/positions.json`],
    prints: /rows: .*positions\.json/,
  },
  {
    task: "figure",
    args: (folder) => [`${folder}/figure.json`, "--format", "svg"],
    prints: /figure\.svg/,
    ignore: !hasChromium,
  },
  { task: "size", args: () => [], prints: /\.\/reference/ },
  { task: "kernels", args: () => ["--check"], prints: /^/ },
];

/** Tasks of which no small run is here, and why. */
const UNTRIED: Record<string, string> = {
  "with-results": "it is the half of other tasks that names what they may do",
  "with-hub": "as with-results",
  "with-workers": "as with-results",
  bench: "tests/experiments/bench_test.ts runs it so",
  tune: "as bench",
  screenshots: "it draws every figure: two minutes; it does what figure and demo do",
  notebooks: "CI runs it: it installs Jupyter",
  lab: "it installs Jupyter and does not end",
  test: "the tests start all other tasks, Chromium and Slurm",
  ok: "it runs the tests",
  check: "it asks for nothing but to read",
  api: "deno doc takes no permissions",
};

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a task just as it stands in deno.json, flags and all. */
async function runTask(task: string, args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", task, ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1", DENO_NO_PROMPT: "1", ALLOW: "", ...env },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out, err };
}

/** A folder in results, as tasks see it. */
async function inResults(act: (folder: string) => Promise<void>): Promise<void> {
  await Deno.mkdir(new URL("results", ROOT), { recursive: true });
  const path = await Deno.makeTempDir({ dir: decodeURIComponent(new URL("results", ROOT).pathname), prefix: "tasks_" });
  try {
    await act(`results/${path.replace(/^.*[/\\]/, "")}`);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
}

Deno.test("every task does its work with the permissions that deno.json gives it", async (test) => {
  await inResults(async (folder) => {
    const at = (name: string) => new URL(`${folder}/${name}`, ROOT);
    await Deno.writeTextFile(at("golden.jsonl"), GOLDEN);
    await Deno.writeTextFile(at("figure.json"), FIGURE);
    await Deno.mkdir(at("goldens"));
    if (exists(goldens)) await Deno.copyFile(`${goldens}/qcache4_decode.safetensors`, at("goldens/one.safetensors"));
    for (const { task, args, prints, codes = [0], ignore = false } of SMALL_RUNS) {
      const name = `deno task ${[task, ...args("results/x")].join(" ")}`;
      await test.step({
        name,
        ignore,
        fn: async () => {
          const ended = await runTask(task, args(folder));
          assert(codes.includes(ended.code), ended.out + ended.err);
          assertMatch(ended.out, prints, ended.err);
          assertNotMatch(ended.err, /run again with|Failed to resolve/);
        },
      });
    }
  });
});

Deno.test("every task has a small run, or says why not", () => {
  const tried = new Set(SMALL_RUNS.map(({ task }) => task));
  assertEquals([...tried, ...Object.keys(UNTRIED)].sort(), Object.keys(tasks).sort());
});

Deno.test("no task but the tests may do everything, and only those that load models of the hub reach it", () => {
  const hub = ["demo", "evaluate", "reproduce", "needle", "ablate", "plan", "soak"];
  for (const [name, line] of Object.entries(tasks)) {
    if (name === "test") continue;
    const flags = wholeLine(line).split(" ").filter((word) => word.startsWith("--"));
    assertEquals(
      flags.filter((flag) => /^(-A|--allow-all|--allow-net|--allow-write|--allow-ffi.*)$/.test(flag)),
      [],
      name,
    );
    const hosts = flags.filter((flag) => flag.startsWith("--allow-net=")).map((flag) =>
      flag.slice("--allow-net=".length)
    );
    const ofHub = hub.includes(name) || /^with-(hub|workers)$/.test(name);
    assertEquals(hosts, ofHub ? ["huggingface.co,*.huggingface.co,*.hf.co"] : name === "explorer" ? ["127.0.0.1"] : []);
  }
});

Deno.test("a task refuses to write elsewhere and says how it may; then it does", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const args = ["--length", "100", "--method", "streaming", "--json", `${folder}/rows.json`];
    const refused = await runTask("positions", args);
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.err, `cannot write ${folder}/rows.json: Requires write access to`);
    assertStringIncludes(refused.err, `ALLOW="--allow-write=${folder}" npx -y deno task`);
    assertEquals([...Deno.readDirSync(folder)], []);
    const { code, err } = await runTask("positions", args, { ALLOW: `--allow-write=${folder}` });
    assertEquals(code, 0, err);
    assert(exists(`${folder}/rows.json`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a model of the hub comes into HF_HOME; no other host is reached unless it is allowed", () =>
  inResults(async (folder) => {
    await using hub = new FakeHub("someone/tiny", {
      refs: { main: COMMIT, [COMMIT]: COMMIT },
      files: await tinyLlamaFiles(),
    });
    const env = { HF_ENDPOINT: hub.url, HF_HOME: `${ROOT.pathname}${folder}/hf`, HF_TOKEN: "", HF_HUB_OFFLINE: "" };
    const args = ["--model", "someone/tiny", "--length", "512", "--no-time"];
    const refused = await runTask("plan", args, env);
    assertEquals([refused.code, hub.requests.length], [1, 0], refused.err);
    assertStringIncludes(refused.err, `ALLOW="--allow-net=${new URL(hub.url).host}"`);
    const { code, out, err } = await runTask("plan", args, { ...env, ALLOW: `--allow-net=${new URL(hub.url).host}` });
    assertEquals(code, 0, err);
    assertMatch(out, /It fits/);
    assert(exists(`${ROOT.pathname}${folder}/hf/hub/models--someone--tiny`));
  }));

Deno.test("a task without a model of the hub gives up its permission to reach it", async () => {
  const script = (model: string) => `
    import { reachOnly } from "${new URL("experiments/command/network.ts", ROOT)}";
    await reachOnly([${JSON.stringify(model)}]);
    console.log(Deno.permissions.querySync({ name: "net", host: "huggingface.co" }).state);`;
  await inResults(async (folder) => {
    for (
      const [model, state] of [["demo", "prompt"], [folder, "prompt"], ["someone/tiny", "granted"], ["hub", "granted"]]
    ) {
      await Deno.writeTextFile(new URL(`${folder}/ask.ts`, ROOT), script(model));
      const flags = wholeLine(tasks.demo).split(" ").filter((word) => /^--allow-(net|read)/.test(word));
      const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", ...flags, `${folder}/ask.ts`],
        cwd: ROOT,
      }).output();
      assertEquals(new TextDecoder().decode(stdout), `${state}\n`, new TextDecoder().decode(stderr));
    }
  });
});
