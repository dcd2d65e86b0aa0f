import { assert, assertEquals, assertMatch } from "@std/assert";

const CHILD = new URL("./full_disk_child.ts", import.meta.url).pathname;

Deno.test({
  name: "a disk that fills up under values in a file ends the step with one error; the session goes on before it",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    // Past the limit a write fails as on a full disk, once its signal is ignored.
    const limited = `trap "" XFSZ; ulimit -f 2048; exec "$0" run --allow-all --no-check "$1"`;
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      args: ["-c", limited, Deno.execPath(), CHILD],
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    const { message, length, answers } = JSON.parse(new TextDecoder().decode(stdout));
    assertMatch(message, /^PlatformError: cannot write to the file for values in .*: .*[Ff]ile too large/);
    assert(length >= 500 && length < 2500);
    assertEquals(answers[0], answers[1]);
  },
});
