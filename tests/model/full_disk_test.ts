import { assert, assertEquals, assertMatch } from "@std/assert";

/** Runs a program where files can't pass so many KiB: past that a write fails as on a full disk, once its signal is ignored. */
async function runLimited(program: string, kibibytes: number | "unlimited", ...args: string[]): Promise<string> {
  const { pathname } = new URL(program, import.meta.url);
  const limited = `trap "" XFSZ; ulimit -f ${kibibytes}; exec "$0" run --allow-all --no-check "$@"`;
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-c", limited, Deno.execPath(), pathname, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "a disk that fills up under values in a file ends the step with one error; the session goes on before it",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const { message, length, answers } = JSON.parse(await runLimited("./full_disk_child.ts", 2048));
    assertMatch(message, /^PlatformError: cannot write to the file for values in .*: .*[Ff]ile too large/);
    assert(length >= 500 && length < 2500);
    assertEquals(answers[0], answers[1]);
  },
});

Deno.test({
  name: "a disk that fills up while a session is saved or restored leaves the old file, and the session goes on",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    try {
      await runLimited("./full_disk_save_child.ts", "unlimited", "write", folder);
      const said = await runLimited("./full_disk_save_child.ts", 2048, "limited", folder);
      const { saving, restoring, files, same, grown, answers } = JSON.parse(said);
      assertMatch(saving, /^PlatformError: cannot write .*: .*[Ff]ile too large/);
      assertMatch(restoring, /^PlatformError: cannot write to the file for values in .*: .*[Ff]ile too large/);
      assertEquals([files, same, grown], [["a.session", "large.session"], true, 0]);
      assertEquals(answers[1], answers[0]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
