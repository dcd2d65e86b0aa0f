import { assert, assertEquals } from "@std/assert";
import { type Browser, chromium } from "playwright-core";
import { bundleForBrowser } from "../experiments/command/bundle.ts";
import { ROOT, textOf } from "./source_files.ts";
import { chromiumPath, SOFTWARE_ADAPTER } from "./chromium.ts";

const NAME = "@reattention/toolkit";
/** The test's patience: machines are shared. */
const PATIENCE = 120_000;

async function run(command: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(command, { args, cwd: ROOT, stdin: "null" }).output();
  assert(success, new TextDecoder().decode(stderr));
}

/** What a page does with the package. Everything is imported by the names that users have. */
const PAGE_SCRIPT = `
const names = NAMES;
const counts = {};
for (const name of names) counts[name] = Object.keys(await import(name)).length;
const { Device, loadModel, selectedSpansFigure, resolveKnobs } = await import("${NAME}");
const { askNeedle, makeHaystack, Random } = await import("${NAME}/evaluation");
const { Tensor, softmax } = await import("${NAME}/tensor");
const reference = await import("${NAME}/reference");
const device = await Device.open();
const values = [1, 2, 3, 4, 5, 6];
const x = Tensor.from(device, new Float32Array(values), [2, 3]);
const y = softmax(x);
const found = Array.from(await y.read());
const expected = Array.from(reference.softmax(reference.dense(values, [2, 3])).data);
x[Symbol.dispose]();
y[Symbol.dispose]();
const model = await loadModel("demo", { device });
const { tokens, needles } = await makeHaystack({ tokenizer: model.tokenizer, tokens: 1000, random: new Random(1) });
const session = model.createSession({ method: "reattention", trace: true });
await session.append(tokens);
const { prompt, answer } = askNeedle(needles[1]);
const said = await session.answer(prompt, { maxTokens: 2 });
const { layers, length } = (await session.readTrace()).at(-1);
const figure = selectedSpansFigure({ layers, length });
let refused = "";
try {
  resolveKnobs({ k: -1, chunkSize: 9000 });
} catch (error) {
  refused = error.message;
}
session[Symbol.dispose]();
model[Symbol.dispose]();
const live = device.memory.liveBytes;
device[Symbol.dispose]();
window.result = { counts, worst: Math.max(...found.map((value, at) => Math.abs(value - expected[at]))), said, answer,
  traces: figure.data.length, refused, live };
`;

/** Scripts for what the package imports from npm, by the name that it is imported by. */
async function dependencies(folder: string, packed: string): Promise<Map<string, string>> {
  const { dependencies } = JSON.parse(await Deno.readTextFile(`${packed}/package.json`));
  const names = new Set<string>();
  const visit = async (path: string): Promise<void> => {
    for await (const { name, isDirectory } of Deno.readDir(path)) {
      if (isDirectory) await visit(`${path}/${name}`);
      else if (name.endsWith(".js")) {
        // Not at a line's start are examples in comments.
        const text = await Deno.readTextFile(`${path}/${name}`);
        for (const [, other] of text.matchAll(/^(?:import|export)\b[^"';]*from "([^"]+)"/gm)) names.add(other);
        for (const [, other] of text.matchAll(/\bimport\("([^"]+)"\)/g)) names.add(other);
      }
    }
  };
  await visit(`${packed}/lib`);
  const wanted = [...names].filter((name) =>
    Object.keys(dependencies).some((each) => `${name}/`.startsWith(`${each}/`))
  );
  const scripts = new Map<string, string>();
  for (const [index, name] of wanted.filter((name) => name !== "@huggingface/hub").entries()) {
    const entry = new URL(`file://${folder}/dependency${index}.ts`);
    const all = `export * from "${name}";
import * as all from "${name}";
export default all["default"];
`;
    await Deno.writeTextFile(entry, all);
    scripts.set(name, await bundleForBrowser(entry, []));
  }
  return scripts;
}

Deno.test({
  name:
    "the package as it would be served runs in Chromium: every export, an op, a needle found at twice the trained context",
  ignore: chromiumPath === undefined,
  fn: async () => {
    const folder = await Deno.makeTempDir();
    let browser: Browser | undefined;
    let server: Deno.HttpServer<Deno.NetAddr> | undefined;
    try {
      // What `deno publish` takes, each file made JavaScript, with the names of npm packages as they stand.
      await run(Deno.execPath(), "pack", "--quiet", "--allow-dirty", "--no-source-maps", "-o", `${folder}/package.tgz`);
      await run("tar", "-xzf", `${folder}/package.tgz`, "-C", folder);
      const packed = `${folder}/package`;
      const scripts = [...await dependencies(folder, packed)];
      assert(scripts.some(([name]) => name === "zod/mini"));
      const exports: Record<string, { import: string }> =
        JSON.parse(await Deno.readTextFile(`${packed}/package.json`)).exports;
      const own = Object.entries(exports).map((
        [name, { import: path }],
      ) => [NAME + name.slice(1), `/package/${path.slice(2)}`]);
      const imports = Object.fromEntries([...own, ...scripts.map(([name], index) => [name, `/npm/${index}.js`])]);
      const names = own.map(([name]) => name);
      const files = new Map<string, string>([
        [
          "/",
          `<!DOCTYPE html><script type=importmap>${
            JSON.stringify({ imports })
          }</script><script type=module src=/page.js></script>`,
        ],
        ["/page.js", PAGE_SCRIPT.replace("NAMES", JSON.stringify(names))],
        ...scripts.map(([, script], index) => [`/npm/${index}.js`, script] as const),
      ]);
      const asked: string[] = [];
      server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
        const { pathname } = new URL(request.url);
        asked.push(pathname);
        const type = pathname === "/"
          ? "text/html"
          : pathname.endsWith(".js")
          ? "text/javascript"
          : "application/octet-stream";
        const kept = files.get(pathname);
        try {
          return new Response(kept ?? await Deno.readFile(`${folder}${pathname}`), {
            headers: { "content-type": type },
          });
        } catch {
          return new Response("none", { status: 404 });
        }
      });
      const address = `http://127.0.0.1:${server.addr.port}/`;
      browser = await chromium.launch({ executablePath: chromiumPath, args: SOFTWARE_ADAPTER });
      const page = await browser.newPage();
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on(
        "request",
        (request) => request.url().startsWith(address) || complaints.push(`asked for ${request.url()}`),
      );
      await page.goto(address);
      const end = Date.now() + PATIENCE;
      while (!await page.evaluate("window.result !== undefined")) {
        if (complaints.length > 0 || Date.now() > end) {
          throw new Error(`the page came to no end; ${complaints.join("; ")}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      const { counts, worst, said, answer, traces, refused, live } = await page.evaluate("window.result") as {
        counts: Record<string, number>;
        [other: string]: unknown;
      };
      assertEquals(complaints, []);
      const expected = Object.keys(JSON.parse(textOf("deno.json")).exports).map((name) => NAME + name.slice(1));
      assertEquals(Object.keys(counts), expected);
      assert(Object.values(counts).every((count) => count > 0));
      assert(Number(worst) < 1e-6, `softmax is off by ${worst}`);
      assertEquals(String(said).trim(), answer);
      assert(Number(traces) > 2);
      assertEquals(
        refused,
        "knobs: k -1: must be at least 0; chunkSize: 9000 must be at most the window (4096): the window holds the chunk itself",
      );
      assertEquals(live, 0);
      // The hub's client, plotly and WebAssembly are left alone until they are used.
      assertEquals(asked.filter((path) => /plotly|hub/.test(path) && path.startsWith("/npm")), []);
    } finally {
      await browser?.close();
      await server?.shutdown();
      await Deno.remove(folder, { recursive: true });
    }
  },
});
