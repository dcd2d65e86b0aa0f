import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { resolveKnobs } from "../../lib/attention/mod.ts";
import { planSweep, SweepFile, sweepSpecJsonSchema } from "../../lib/evaluation/mod.ts";
import { readSpec } from "../../experiments/ablate/spec_file.ts";
import { writeTinyLlama } from "../evaluation/tiny_llama.ts";
import { filesUnder, ROOT } from "../source_files.ts";
import { inFolder } from "./ablate/command.ts";
import { ended, runScript, startScript } from "./run_script.ts";

const start = (...args: string[]) => startScript("ablate", args);
const ablate = (...args: string[]) => runScript("ablate", args);

/** Three settings on two short contexts, which share readings. */
const small = [
  ...["--sweep", "k=1,4", "--sweep", "recallClip=3,7", "--method", "reattention-window", "--lengths", "600"],
  ...["--seeds", "0..1", "--set", "task.needles=2", "--exclude", "k == 1 && recallClip == 3"],
];

Deno.test("ablate says what is wrong with its arguments or spec", () =>
  inFolder(async (folder) => {
    const nothing = await ablate();
    assertEquals([nothing.code, nothing.out], [2, ""]);
    assertMatch(nothing.err, /^ablate: give a spec file or --sweep\n\nusage: deno task ablate SPEC/);
    assertMatch((await ablate("--sweep", "k")).err, /^ablate: --sweep "k" must be NAME=VALUE/);
    const unknown = await ablate("--sweep", "kk=1,2");
    assertEquals(unknown.code, 1);
    assertMatch(unknown.err, /^ablate: spec: sweep: there is no kk; there are globalSize, /);
    await Deno.writeTextFile(`${folder}/bad.jsonc`, '{\n  // a comment\n  "sweep": { "k": [1, 4 }\n}\n');
    assertMatch(
      (await ablate(`${folder}/bad.jsonc`)).err,
      /bad\.jsonc:3:\d+: CommaExpected|bad\.jsonc:3:\d+: CloseBracketExpected/,
    );
    await Deno.writeTextFile(`${folder}/bad.yaml`, "sweep: [k: 1\nseeds: 3");
    assertMatch((await ablate(`${folder}/bad.yaml`)).err, /^ablate: .*bad\.yaml: .*line \d+/);
    assertMatch((await ablate(`${folder}/none.yaml`)).err, /^ablate: cannot read .*none\.yaml: no such file/);
  }));

Deno.test("ablate's spec files of the three kinds mean the same, and flags go before them", () =>
  inFolder(async (folder) => {
    const files = {
      "a.json": '{ "sweep": { "k": [1, 4] }, "seeds": "0..2", "task": { "name": "needle", "needles": 2 } }',
      "a.jsonc":
        '{ "sweep": { "k": [1, 4], }, /* three */ "seeds": [0, 1, 2], "task": { "name": "needle", "needles": 2 } }',
      "a.yaml": "sweep: { k: [1, 4] }\nseeds: 0..2\ntask:\n  name: needle\n  needles: 2\n",
    };
    const specs = [];
    for (const [name, text] of Object.entries(files)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
      specs.push(await readSpec(`${folder}/${name}`));
    }
    assertEquals(specs[1], specs[0]);
    assertEquals(specs[2], specs[0]);
    assertEquals([specs[0].name, specs[0].parameters.needles], ["a", 2]);
    const changed = await readSpec(`${folder}/a.yaml`, {
      sweep: { window: [128] },
      set: { k: 2 },
      task: { opening: false },
    });
    assertEquals([changed.sweep, changed.set], [{ window: [128] }, { k: 2 }]);
    assertEquals(changed.parameters, { needles: 2, opening: false });
  }));

Deno.test("the schema that editors read is the spec's own", async () => {
  const kept = JSON.parse(await Deno.readTextFile(new URL("experiments/ablations/spec.schema.json", ROOT)));
  // deno task ablate --schema > experiments/ablations/spec.schema.json
  assertEquals(kept, JSON.parse(JSON.stringify(sweepSpecJsonSchema())));
});

for (const path of filesUnder("experiments/ablations", ".jsonc")) {
  Deno.test(`${path} is a spec whose knobs can all be, with its baseline in the grid`, async () => {
    const spec = await readSpec(decodeURIComponent(new URL(path, ROOT).pathname));
    const { trials } = await planSweep(spec);
    for (const { knobs } of trials) resolveKnobs(knobs);
    const baselines = trials.filter(({ axes }) =>
      Object.entries(spec.baseline).every(([name, value]) => axes[name] === value)
    );
    assert(baselines.length > 0);
    assertEquals(spec.preset, path.includes("/paper/") ? "paper" : "demo");
  });
}

Deno.test("the paper's values of k run end to end on a Llama of 8,192 tokens, past the scope", () =>
  inFolder(async (folder) => {
    await writeTinyLlama(`${folder}/llama`, 8192);
    const file = `${folder}/k.db`;
    const path = decodeURIComponent(new URL("experiments/ablations/paper/k.jsonc", ROOT).pathname);
    const { code, out } = await ablate(
      ...[path, "--model", `${folder}/llama`, "--lengths", "8320", "--seeds", "0", "--set", "task.needles=2"],
      ...["--out", file],
    );
    assertEquals(code, 0, out);
    using results = await SweepFile.read(file);
    const records = results.records();
    assertEquals(records.map(({ trial, status }) => [trial.knobs.k, status]), [[1, "done"], [4, "done"], [8, "done"]]);
    assertEquals(new Set(records.map(({ modelFingerprint }) => modelFingerprint)).size, 1);
    for (const { trial: { knobs }, result } of records) {
      assertEquals([knobs.globalSize, knobs.window, knobs.spanSize, knobs.recallClip], [32, 4096, 32, 127]);
      // Tokens were picked, and no more than fill the trained context.
      assert(result!.scope > 4128 && result!.scope <= 8192 && result!.tokens > 8192, `scope ${result!.scope}`);
    }
  }));

Deno.test("ablate takes several models, and a dry run tells each", () =>
  inFolder(async (folder) => {
    await writeTinyLlama(`${folder}/llama`, 512);
    const models = ["--preset", "demo", "--model", `demo,${folder}/llama`];
    const { code, out } = await ablate(...small, ...models, "--dry-run");
    assertEquals(code, 0, out);
    for (const part of [`model demo, ${folder}/llama; task needle`, "demo:\n", `${folder}/llama:\n`, "12 trials\n"]) {
      assertStringIncludes(out, part);
    }
    const run = ["--sweep", "k=4", "--lengths", "600", "--seeds", "0", "--set", "task.needles=1"];
    const file = `${folder}/m.db`;
    assertEquals((await ablate(...run, ...models, "--out", file)).code, 0);
    using results = await SweepFile.read(file);
    const records = results.records();
    assertEquals(records.map(({ trial }) => trial.model), ["demo", `${folder}/llama`]);
    assertNotEquals(records[0].modelFingerprint, records[1].modelFingerprint);
  }));

Deno.test("ablate --dry-run prints the grid, the count and an estimate, and leaves no file", () =>
  inFolder(async (folder) => {
    const { code, out } = await ablate(...small, "--dry-run", "--out", `${folder}/s.db`);
    assertEquals(code, 0);
    for (
      const part of ["  k 1, recallClip 7\n", "3 settings (1 excluded) x 2 seeds = 6 trials\n", "2 contexts to read"]
    ) {
      assertStringIncludes(out, part);
    }
    assertMatch(out, /reattention-window at 600 tokens: \d+ s and \d+ MiB a trial/);
    assertMatch(out, /about \d+ s in all on /);
    assertEquals([...Deno.readDirSync(folder)], []);
  }));

Deno.test("ablate runs a sweep, goes on after Ctrl-C and kill -9, and runs nothing twice", () =>
  inFolder(async (folder) => {
    const file = `${folder}/s.db`;
    const until = async (child: Deno.ChildProcess, stream: "stdout" | "stderr", text: string) => {
      const reader = child[stream].getReader();
      let seen = "";
      while (!seen.includes(text)) {
        const { value, done } = await reader.read();
        assert(!done, `ended early: ${seen}`);
        seen += new TextDecoder().decode(value);
      }
      reader.releaseLock();
    };
    const stopped = start(...small, "--out", file);
    await until(stopped, "stdout", "1/6  ");
    stopped.kill("SIGINT");
    const { code, err } = await ended(stopped);
    assertEquals(code, 130);
    assertMatch(
      err,
      /ablate: stopped; [1-5] of 6 trials are in .*s\.db\. The same command goes on:\n {2}deno task ablate --sweep k=1,4 /,
    );
    assertStringIncludes(err, "--exclude 'k == 1 && recallClip == 3'");

    const killed = start(...small, "--out", file);
    await until(killed, "stdout", "/6  ");
    killed.kill("SIGKILL");
    await killed.output();

    const before = await (async () => {
      using now = await SweepFile.read(file);
      return now.records();
    })();
    assert(before.length >= 2);
    const { code: last, out } = await ablate(...small, "--out", file);
    assertEquals(last, 0);
    assertStringIncludes(
      out,
      `sweep: 3 settings x 2 seeds = 6 trials, 2 contexts to read; ${before.length} done before`,
    );
    assertStringIncludes(out, "6 trials done, 0 failed.");
    using now = await SweepFile.read(file);
    const after = new Map(now.records().map((record) => [record.trial.id, record]));
    assertEquals(after.size, 6);
    for (const record of before) assertEquals(after.get(record.trial.id), record);
    const again = await ablate(...small, "--out", file);
    assertStringIncludes(again.out, "6 done before");

    const other = await ablate(...small, "--set", "spanSize=16", "--out", file);
    assertEquals(other.code, 1);
    assertMatch(
      other.err,
      /holds another spec \(set\.spanSize: none there, 16 here\): give another --out, or add to it with --extend/,
    );
  }));

Deno.test("ablate ends with 1 where every trial failed, and names --retry-failed", () =>
  inFolder(async (folder) => {
    const wrong = ["--sweep", "spanSize=128", "--seeds", "0", "--lengths", "600", "--out", `${folder}/s.db`];
    const { code, out } = await ablate(...wrong);
    assertEquals(code, 1);
    assertMatch(out, /1\/1 {2}failed {2}.*RangeError: reattention: a step would attend to 1184 tokens/);
    assertStringIncludes(out, "--retry-failed");
  }));
