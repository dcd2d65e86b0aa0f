import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";

const SCRIPT = new URL("../../experiments/setup.ts", import.meta.url).href;

interface Ran {
  code: number;
  out: string;
  err: string;
}

async function setup(...args: string[]): Promise<Ran> {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", SCRIPT, ...args],
    env: { XDG_RUNTIME_DIR: "", NO_COLOR: "1" },
    stdin: "null",
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

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
