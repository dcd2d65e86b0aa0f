import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runScript } from "./run_script.ts";

const goldens = decodeURIComponent(new URL("../../../shared/goldens", import.meta.url).pathname);

const verify = (...args: string[]) => runScript("verify", args);

Deno.test("verify says what is wrong with its arguments, exit code 2", async () => {
  const cases: [string[], string][] = [
    [[], "name a folder with --attention or --models"],
    [["--attention", "x", "--storage", "int8"], '--storage "int8" must be f32 or f16'],
    [["--attenton", "x"], "--attenton"],
    [["--models", ""], "--models must name a folder"],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await verify(...args);
    assertEquals(code, 2);
    assertStringIncludes(err, message);
  }
  assertMatch((await verify("--help")).out, /^usage: deno task verify/);
});

Deno.test("verify names a folder that it can't read, or that holds no golden", async () => {
  const missing = await verify("--attention", "/nowhere/at/all");
  assertEquals(missing.code, 1);
  assertStringIncludes(missing.err, "cannot read the folder /nowhere/at/all");
  const folder = await Deno.makeTempDir();
  try {
    assertStringIncludes((await verify("--models", folder)).err, "hold no golden");
  } finally {
    await Deno.remove(folder);
  }
});

Deno.test("verify passes a golden, and fails one that was changed, cut off or left unreadable", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const good = await Deno.readFile(`${goldens}/attention/qcache4_decode.safetensors`);
    await Deno.writeFile(`${folder}/good.safetensors`, good);
    const changed = good.slice();
    // The last tensor's last bytes: a number of some step that is far off.
    new DataView(changed.buffer).setFloat32(changed.length - 4, 12345, true);
    await Deno.writeFile(`${folder}/changed.safetensors`, changed);
    await Deno.writeFile(`${folder}/cut.safetensors`, good.slice(0, 5000));
    await Deno.writeTextFile(`${folder}/text.safetensors`, "no golden");
    const { code, out } = await verify("--attention", folder);
    assertEquals(code, 1);
    const line = (name: string) => out.split("\n").find((line) => line.startsWith(`${name} `)) ?? "";
    assertMatch(line("good"), /17 of 17 .* pass$/);
    for (const name of ["changed", "cut", "text"]) assertMatch(line(name), /FAIL$/);
    assertMatch(out, /\n1 passed, 3 failed\n/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("verify passes logits, continuation and selections of a whole model", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/qwen3`);
    for (const { name } of Deno.readDirSync(`${goldens}/models/qwen3_qknorm`)) {
      await Deno.copyFile(`${goldens}/models/qwen3_qknorm/${name}`, `${folder}/qwen3/${name}`);
    }
    const { code, out } = await verify("--models", folder);
    assertEquals(code, 0, out);
    assertMatch(out, /\nqwen3 +logits and greedy +16 of 16 .* pass\nqwen3\/reattention_compact +selections .* pass\n/);
    assert(out.trimEnd().endsWith("2 passed, 0 failed"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
