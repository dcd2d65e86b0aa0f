import { assertEquals, assertMatch } from "@std/assert";

const SCRIPT = new URL("../../experiments/positions.ts", import.meta.url).href;

async function positions(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", SCRIPT, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

Deno.test("positions says what is wrong with its arguments, exit code 2", async () => {
  const wrongs = [
    [["--length", "1.5"], /--length "1.5" must be whole numbers/],
    [["--values-on", "disk"], /--values-on "disk" must be gpu, host, file/],
    [["--steps", "0"], /--steps must be at least 1/],
  ] as const;
  for (const [args, message] of wrongs) {
    const { code, err } = await positions(...args);
    assertEquals(code, 2);
    assertMatch(err, message);
  }
});

Deno.test("positions times steps with values in a file, and counts how many blocks were at hand", async () => {
  const file = await Deno.makeTempFile();
  try {
    const args = ["--length", "900", "--method", "reattention", "--values-on", "file", "--steps", "1", "--json", file];
    const { code, out, err } = await positions(...args);
    assertEquals(code, 0, err);
    assertMatch(out, /values as f32 in a file\n[\s\S]*\nreattention +900 +[\d.]+ .*% in memory, [\d.]+ % read ahead\n/);
    const { valuesOn, rows: [row] } = JSON.parse(await Deno.readTextFile(file));
    assertEquals([valuesOn, row.length], ["file", 900]);
    assertEquals(row.found.hot + row.found.ahead <= 1, true);
  } finally {
    await Deno.remove(file);
  }
});
