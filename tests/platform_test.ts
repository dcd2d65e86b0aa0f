import { assert, assertEquals, assertGreater, assertMatch, assertRejects } from "@std/assert";
import {
  checkWritable,
  environmentVariable,
  fetchRange,
  fileExists,
  fileInside,
  fileSize,
  folderUrl,
  hostInfo,
  isTerminal,
  memoryLimitBytes,
  PlatformError,
  readBytes,
  readText,
  runCommand,
  writeAside,
} from "../lib/platform.ts";
import { folderUrlFrom } from "../lib/platform/addresses.ts";
import { nvidiaMemoryLeft } from "../lib/platform/gpu_memory.ts";
import { controlGroupMemoryLeft } from "../lib/platform/memory.ts";

async function inTemporaryFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const letters = new TextEncoder().encode("abcdefghij");

Deno.test("readBytes reads all of a local file, or a range of it, by path and by URL", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/with space#.txt`;
    await Deno.writeFile(path, letters);
    const url = new URL(encodeURIComponent("with space#.txt"), `file://${folder}/`);
    for (const source of [path, url, url.href]) {
      assertEquals(await readBytes(source), letters);
      assertEquals(await readBytes(source, { start: 2, end: 5 }), letters.slice(2, 5));
      assertEquals((await readBytes(source, { start: 10, end: 10 })).length, 0);
      assertEquals(await fileSize(source), 10);
      assertEquals(await fileExists(source), true);
    }
    await assertRejects(() => readBytes(path, { start: 8, end: 11 }), PlatformError, "it has 10 bytes");
    await assertRejects(() => readBytes(path, { start: 3, end: 2 }), RangeError, "not 3 to 2");
  });
});

Deno.test("readBytes, fileSize and fileExists tell a missing file", async () => {
  await inTemporaryFolder(async (folder) => {
    const missing = `${folder}/nothing.bin`;
    await assertRejects(() => readBytes(missing), PlatformError, "nothing.bin: no such file");
    await assertRejects(() => fileSize(missing), PlatformError, "no such file");
    assertEquals(await fileExists(missing), false);
  });
});

Deno.test("readText refuses what is not UTF-8", async () => {
  await inTemporaryFolder(async (folder) => {
    await Deno.writeFile(`${folder}/bad.txt`, new Uint8Array([0x61, 0xff]));
    await assertRejects(() => readText(`${folder}/bad.txt`), PlatformError, "not UTF-8");
    await Deno.writeTextFile(`${folder}/good.txt`, "né");
    assertEquals(await readText(`${folder}/good.txt`), "né");
  });
});

/** Serves `letters` at any path; /parts knows ranges, /whole does not, /gone is a 404. */
function serveLetters(request: Request): Response {
  const { pathname } = new URL(request.url);
  if (pathname === "/gone") return new Response("no", { status: 404 });
  if (pathname === "/broken") return new Response("no", { status: 500 });
  const asked = /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "");
  if (pathname === "/whole" || !asked) return new Response(letters);
  const [start, last] = [Number(asked[1]), Math.min(Number(asked[2]), letters.length - 1)];
  if (start >= letters.length) {
    return new Response(null, { status: 416, headers: { "content-range": `bytes */${letters.length}` } });
  }
  const headers = { "content-range": `bytes ${start}-${last}/${letters.length}` };
  return new Response(letters.slice(start, last + 1), { status: 206, headers });
}

Deno.test("readBytes reads over http from servers that do ranges and from those that don't", async () => {
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, serveLetters);
  const at = (path: string) => `http://127.0.0.1:${server.addr.port}${path}`;
  try {
    for (const path of ["/parts", "/whole"]) {
      assertEquals(await readBytes(at(path)), letters);
      assertEquals(await readBytes(at(path), { start: 2, end: 5 }), letters.slice(2, 5));
      assertEquals(await fileSize(at(path)), 10);
      assertEquals(await fileExists(at(path)), true);
      await assertRejects(() => readBytes(at(path), { start: 8, end: 11 }), PlatformError, "it has 10 bytes");
      await assertRejects(() => readBytes(at(path), { start: 20, end: 21 }), PlatformError, "it has 10 bytes");
    }
    const part = await fetchRange(at("/parts"), { start: 4, end: 6 });
    assertEquals([part.bytes.length, part.whole, part.total], [2, false, 10]);
    assertEquals((await fetchRange(at("/whole"), { start: 4, end: 6 })).whole, true);
    assertEquals(await fileExists(at("/gone")), false);
    await assertRejects(() => readBytes(at("/gone")), PlatformError, "404");
    await assertRejects(() => fileExists(at("/broken")), PlatformError, "500");
  } finally {
    await server.shutdown();
  }
  await assertRejects(() => readBytes(at("/parts")), PlatformError, "cannot read http://127.0.0.1");
});

Deno.test("writeAside makes folders, replaces the file, and leaves nothing else behind", async () => {
  await inTemporaryFolder(async (folder) => {
    const path = `${folder}/a/b/result.json`;
    await writeAside(path, "first");
    await writeAside(new URL(`file://${path}`), new TextEncoder().encode("second"));
    assertEquals(await Deno.readTextFile(path), "second");
    assertEquals([...Deno.readDirSync(`${folder}/a/b`)].map(({ name }) => name), ["result.json"]);
  });
});

Deno.test("writeAside removes its temporary file after a failure", async () => {
  await inTemporaryFolder(async (folder) => {
    // A folder stands where the file should go, so the rename fails after the writing went well.
    await Deno.mkdir(`${folder}/taken/inside`, { recursive: true });
    await assertRejects(() => writeAside(`${folder}/taken`, "text"), PlatformError, "cannot write");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name), ["taken"]);
  });
});

Deno.test("checkWritable makes folders and leaves nothing else; it refuses what can't be a file before any work", async () => {
  await inTemporaryFolder(async (folder) => {
    await checkWritable(`${folder}/a/result.json`);
    assertEquals([...Deno.readDirSync(`${folder}/a`)], []);
    await writeAside(`${folder}/kept.json`, "kept");
    await checkWritable(`${folder}/kept.json`);
    assertEquals(await Deno.readTextFile(`${folder}/kept.json`), "kept");
    await assertRejects(() => checkWritable(`${folder}/a`), PlatformError, "it is a folder");
    await assertRejects(() => checkWritable(`${folder}/kept.json/result.json`), PlatformError, "cannot write");
  });
});

Deno.test("fileInside and folderUrl take paths and URLs, with and without a slash at the end", () => {
  assertEquals(fileInside("models/tiny", "config.json"), "models/tiny/config.json");
  assertEquals(fileInside("models/tiny//", "config.json"), "models/tiny/config.json");
  assertEquals(String(fileInside(new URL("https://host/m?r=1"), "c.json")), "https://host/m/c.json?r=1");
  assertEquals(String(fileInside("file:///m/", "c.json")), "file:///m/c.json");
  assertEquals(folderUrl("/models/50%#1").href, "file:///models/50%25%231/");
  assertEquals(folderUrl("https://host/m").href, "https://host/m/");
  const here = new URL("file:///home/");
  assertEquals(folderUrlFrom("a:b/tiny", here).href, "file:///home/a:b/tiny/");
  assertEquals(folderUrlFrom("models/tiny", here).href, "file:///home/models/tiny/");
  assertEquals(folderUrlFrom("..", here).href, "file:///");
  assertEquals(folderUrlFrom("C:\\models", here).href, "file:///C:/models/");
});

Deno.test("controlGroupMemoryLeft takes the least of its group and those around it", () => {
  const files: Record<string, string> = {
    "/proc/self/cgroup": "0::/outer/inner\n",
    "/sys/fs/cgroup/outer/inner/memory.max": "max\n",
    "/sys/fs/cgroup/outer/memory.max": "1000\n",
    "/sys/fs/cgroup/outer/memory.current": "700\n",
    "/sys/fs/cgroup/outer/memory.stat": "anon 500\ninactive_file 200\n",
  };
  assertEquals(controlGroupMemoryLeft((path) => files[path]), 500);
});

Deno.test("controlGroupMemoryLeft reads version 1, also where a container sees its group at the root", () => {
  const files: Record<string, string> = {
    "/proc/self/cgroup": "5:cpu:/x\n4:memory,hugetlb:/host/path\n0::/\n",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes": "4000\n",
    "/sys/fs/cgroup/memory/memory.usage_in_bytes": "1000\n",
  };
  assertEquals(controlGroupMemoryLeft((path) => files[path]), 3000);
  files["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "9223372036854771712";
  assertEquals(controlGroupMemoryLeft((path) => files[path]), Infinity);
  assertEquals(controlGroupMemoryLeft(() => undefined), Infinity);
});

Deno.test("memoryLimitBytes, hostInfo and isTerminal describe this machine", () => {
  const { total } = Deno.systemMemoryInfo();
  const limit = memoryLimitBytes();
  assert(limit > 0 && limit <= total, `${limit} of ${total}`);
  const info = hostInfo();
  assertEquals([info.os, info.memoryBytes, info.denoVersion], [Deno.build.os, total, Deno.version.deno]);
  assertGreater(info.cpus, 0);
  assertGreater(info.cpuModel.length, 0);
  assertEquals(isTerminal("stdout"), Deno.stdout.isTerminal());
});

Deno.test("environmentVariable is undefined for what is not set", () => {
  assertEquals(environmentVariable("REATTENTION_NOT_SET"), undefined);
  assertMatch(environmentVariable("PATH") ?? "", /./);
});

Deno.test("runCommand gives code and output, and names a program that is missing", async () => {
  const script = "console.log('out'); console.error('err'); Deno.exit(3)";
  const result = await runCommand(Deno.execPath(), ["eval", "--quiet", script]);
  assertEquals([result.code, result.stdout.trim(), result.stderr.trim()], [3, "out", "err"]);
  await assertRejects(() => runCommand("no-such-program-here"), PlatformError, "no such program");
});

Deno.test("platform reads URLs where there is no Deno, and says of the rest that it needs it", async () => {
  const source = new URL("../lib/platform.ts", import.meta.url).href;
  const script = `
    delete globalThis.Deno;
    const p = await import(${JSON.stringify(source)});
    const said = await p.writeAside("x", "y").catch((error) => error.name + ": " + error.message);
    console.log(JSON.stringify([await p.readText("data:,hello"), said, p.hostInfo().os, p.memoryLimitBytes() > 0,
      p.environmentVariable("PATH") ?? null, p.isTerminal()]));`;
  const { stdout, stderr } = await runCommand(Deno.execPath(), ["eval", "--quiet", "--no-config", script]);
  assertEquals(stderr, "");
  const expected = ["hello", "PlatformError: writing a file needs Deno, which this platform is not", "browser", true];
  assertEquals(JSON.parse(stdout), [...expected, null, false]);
});

Deno.test("nvidiaMemoryLeft reads the fullest GPU's free memory, and knows where it can't be told", async () => {
  const told = (text: string | undefined) => nvidiaMemoryLeft(() => Promise.resolve(text));
  assertEquals(await told("81038\n40960\n"), 40960 * 2 ** 20);
  assertEquals(await told("[N/A]\n"), undefined);
  assertEquals(await told(undefined), undefined);
});

Deno.test({
  name: "files of /proc and /sys are read through cat where Deno does not open them, and without cat not at all",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const source = new URL("../lib/platform.ts", import.meta.url).href;
    const script = `
      const p = await import(${JSON.stringify(source)});
      const pid = /^Pid:\\s*(\\d+)/m.exec(p.readSystemFile("/proc/self/status") ?? "")?.[1];
      console.log(JSON.stringify([pid === String(Deno.pid), p.readSystemFile("/proc/self/none") ?? null,
        p.readSystemFile("/etc/passwd") ?? null, p.readSystemFile("/proc/../etc/passwd") ?? null,
        p.hostInfo().cpuModel, p.memoryLimitBytes() > 0, p.peakProcessBytes() > 0]));`;
    const said = async (...flags: string[]) => {
      // Without a prompt: nothing here may ask a person.
      const { stdout, stderr } = await runCommand(Deno.execPath(), [
        ...["run", "--no-config", "--ext=ts", ...flags, `data:text/typescript,${encodeURIComponent(script)}`],
      ]);
      assertEquals(stderr, "");
      return JSON.parse(stdout);
    };
    const imports = `--allow-read`;
    const whole = await said("--allow-all");
    assertEquals(whole.slice(0, 4), [true, null, null, null]);
    assertEquals(await said(imports, "--allow-run=cat", "--allow-sys=systemMemoryInfo"), whole);
    const { arch } = Deno.build;
    assertEquals(await said(imports), [false, null, null, null, arch, true, false]);
  },
});
