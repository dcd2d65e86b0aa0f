import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runScript } from "./run_script.ts";

const setup = (...args: string[]) => runScript("setup", args, { env: { XDG_RUNTIME_DIR: "" } });

Deno.test("setup prints the adapter and its limits, without the driver's complaint", async () => {
  const { code, out, err } = await setup();
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^WebGPU adapter: .+\n/);
  for (const part of ["largest storage binding", "f16", "timestamps", "kind"]) assertStringIncludes(out, part);
});

Deno.test("setup --quiet prints one line", async () => {
  const { code, out, err } = await setup("--quiet");
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^WebGPU adapter: .+, (software|hardware), f16 (yes|no), timestamps (yes|no)\n$/);
});

Deno.test("setup says what is wrong with its arguments, exit code 2", async () => {
  const { code, out, err } = await setup("--loud");
  assertEquals([code, out], [2, ""]);
  assertMatch(err, /^unknown argument "--loud"\nusage: deno task setup/);
});
