import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runScript } from "./run_script.ts";

const recipe = (...args: string[]) => runScript("recipe", args);

Deno.test("recipe says what is wrong with its arguments, exit code 2", async () => {
  const cases: [string[], string][] = [
    [["--steps", "0"], '--steps "0" must be a whole number of at least 1'],
    [["--workers", "0"], '--workers "0" must be a whole number of at least 1'],
    [["--batch", "none"], '--batch "none" must be a number of at least 0.001'],
    [["--seed", "1.5"], '--seed "1.5" must be a whole number of at least 0'],
    [["--sead", "1"], "--sead"],
  ];
  for (const [args, message] of cases) {
    const { code, err } = await recipe(...args);
    assertEquals(code, 2);
    assertStringIncludes(err, message);
    assertStringIncludes(err, "usage: deno task recipe");
  }
});

Deno.test("recipe --help prints the usage", async () => {
  const { code, out } = await recipe("--help");
  assertEquals(code, 0);
  assertMatch(out, /^usage: deno task recipe/);
});

Deno.test("recipe ends with the step that failed, by name", async () => {
  const { code, err } = await recipe("--python", "false");
  assertEquals(code, 1);
  assertMatch(err, /recipe: false experiments\/demo_model\/prepare.py ended with 1/);
});
