import { assert, assertEquals, assertMatch } from "@std/assert";
import { benchSchema } from "../../experiments/bench/row.ts";

/** Runs a task as a person would, with its own permissions; rows may go into `folder`, what is kept into a cache of its own. */
async function run(task: string, args: readonly string[], { cache = "", folder = "" } = {}) {
  const ALLOW = folder && `--allow-write=${folder}`;
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", task, ...args],
    env: { NO_COLOR: "1", DENO_NO_PROMPT: "1", ALLOW, ...(cache && { XDG_CACHE_HOME: cache }) },
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("bench prints the limits and its rows, and writes them as JSON", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const json = `${folder}/rows/bench.json`;
    const { code, out } = await run("bench", [
      "--filter",
      "decode matmul 1x2048x2048 f32",
      "--json",
      json,
    ], { folder });
    assertEquals(code, 0);
    assertMatch(out, /^limits: .*FLOP\/s multiply-adds .*B\/s copied/m);
    const { rows } = benchSchema.parse(JSON.parse(await Deno.readTextFile(json)));
    assertEquals(rows.map(({ group, implementation }) => `${group} ${implementation}`), [
      "limits ours",
      "decode matmul ours",
    ]);
    const [, row] = rows;
    assert("amount" in row && row.shape === "1x2048x2048" && row.shareOfLimit! > 0 && row.error! < 1e-4);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("bench and tune say what is wrong with what they are asked, and do nothing", async () => {
  for (
    const [task, args, said] of [
      [
        "bench",
        ["--filter", "warp drive"],
        /"warp drive" fits no case; names are such as "matmul 512x512x512 f32"/,
      ],
      ["bench", ["--json", ""], /--json must name a file, not be empty/],
      ["bench", ["--fast"], /Unknown option '--fast'/],
      ["tune", ["--filter", "warp drive"], /fits no question; names are such as "matmul small"/],
      ["tune", ["--filter", ""], /--filter must be a text, not empty/],
    ] as const
  ) {
    const { code, err } = await run(task, args);
    assertEquals(code, 2);
    assertMatch(err, said);
  }
  const refused = await run("bench", ["--filter", "add", "--json", "/nowhere/rows.json"]);
  assertEquals(refused.code, 1);
  assertMatch(refused.err, /^bench: cannot write \/nowhere\/rows.json: .*\n\n.*ALLOW="--allow-write=\/nowhere"/s);
  assertEquals(refused.out.includes("limits"), false, refused.out);
});

Deno.test("tune keeps its answers in the cache folder, later runs use them, and --forget removes them", async () => {
  const cache = await Deno.makeTempDir();
  try {
    const { code, out } = await run("tune", ["--filter", "transposed short"], { cache });
    assertEquals(code, 0);
    const path = out.match(/kept for later runs: (.*)/)![1];
    const kept = JSON.parse(await Deno.readTextFile(path));
    assertEquals(kept.schema, 1);
    await Deno.writeTextFile(path, JSON.stringify({ ...kept, choices: 3 }));
    const open = `import { Device } from "${new URL(
      "../../lib/gpu/mod.ts",
      import.meta.url,
    )}"; (await Device.open()).finish();`;
    const script = `${cache}/open.ts`;
    await Deno.writeTextFile(script, open);
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--config", "deno.json", script],
      env: { NO_COLOR: "1", XDG_CACHE_HOME: cache },
    }).output();
    assertMatch(new TextDecoder().decode(stderr), /tuned choices in .* can't be used, so the usual ones are/);
    assertEquals((await run("tune", ["--forget"], { cache })).code, 0);
    await Deno.stat(path).then(() => assert(false, "the file is still there"), () => {});
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});
