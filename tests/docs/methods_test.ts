import { assert, assertEquals } from "@std/assert";
import { methodNames } from "../../lib/attention/mod.ts";
import { joinedBlocks, runProgram } from "./program.ts";
import { textOf } from "../source_files.ts";
import { gpuTest } from "../gpu_test_device.ts";

const page = textOf("docs/methods.md");
const blocks = [...page.matchAll(/```ts(?: ignore)?\n([\s\S]*?)```/g)].map(([, code]) => code);

Deno.test("docs/methods.md: its method is about 40 lines, and every method has a row", () => {
  assert(blocks[0].trim().split("\n").length <= 50);
  for (const name of methodNames) assert(page.includes(`\`${name}\``), `${name} has no row`);
});

gpuTest("docs/methods.md: the method that it writes runs as it says, in a session with a trace", async () => {
  // As a person would: both blocks in one file. Imports go by the names that deno.json gives.
  const said = await runProgram(joinedBlocks(blocks));
  const [, attended, length] = /^(\d+) of (\d+) tokens/.exec(said)!.map(Number);
  // Sinks, window, and a quarter of what is between, in whole spans.
  const middle = length - 32 - 256;
  const spans = Math.ceil(middle / 128);
  assertEquals(attended, 32 + 256 + (spans - 1) * 32 + Math.min(32, middle - (spans - 1) * 128));
});
