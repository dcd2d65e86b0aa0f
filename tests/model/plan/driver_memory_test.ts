import { assert, assertEquals, assertStringIncludes } from "@std/assert";

Deno.test({
  name: "Device lives on, and computes rightly, after the driver ran out of a limited address space",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const child = new URL("./driver_memory_child.ts", import.meta.url);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--quiet", child.pathname],
      stdin: "null",
    }).output();
    const text = new TextDecoder();
    assert(success, text.decode(stderr));
    const found = JSON.parse(text.decode(stdout));
    assert(found.limited, "prlimit failed");
    assertEquals(found.name, "OutOfMemoryError");
    assertStringIncludes(found.message, "buffer too much: the driver is out of memory");
    assertEquals([found.right, found.liveBytes], [[true, true, true], 0]);
  },
});
