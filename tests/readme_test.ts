import { assert, assertEquals, assertMatch } from "@std/assert";
import { runProgram } from "./docs/program.ts";

const root = new URL("../", import.meta.url);

Deno.test("README's ten lines run as they stand and find their needle at 32,768 tokens", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", root));
  const code = readme.match(/```ts ignore\n([\s\S]*?)```/)![1];
  assert(code.trim().split("\n").filter((line) => line.trim()).length <= 12, "README promises ten lines, give or take");
  const [, said, expected] = (await runProgram(code)).match(/^ (\d{3} \d{3}) expected (\d{3} \d{3})\n/)!;
  assertEquals(said, expected);
  assertMatch(await Deno.readTextFile(new URL("results/selected.html", root)), /layer 3/);
});

Deno.test("README names the commands that deno.json has", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", root));
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", root)));
  const named = [...readme.matchAll(/deno task ([a-z]+)/g)].map(([, name]) => name);
  assertMatch(readme, /npx -y deno task demo/);
  assert(named.length > 3);
  for (const name of named) assert(name in tasks, `README names a task that there isn't: ${name}`);
});
