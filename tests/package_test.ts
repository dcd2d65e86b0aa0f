import { assert, assertEquals } from "@std/assert";
import { packedFiles } from "../experiments/size/packed_files.ts";
import { ROOT, textOf } from "./source_files.ts";

/** Run in the packed copy: what it needs is in the package, or the package does not work. */
const USE = `
const exports = Object.keys(JSON.parse(Deno.readTextFileSync("deno.json")).exports);
for (const name of exports) {
  const module = await import(name === "." ? "@reattention/toolkit" : "@reattention/toolkit" + name.slice(1));
  if (Object.keys(module).length === 0) throw new Error(name + " exports nothing");
}
const { readBook, selectedSpansFigure, loadConfig } = await import("@reattention/toolkit");
const { completeKnobs } = await import("@reattention/toolkit/reference");
const group = { indices: [0, 40, 41, 98, 99], centers: [41], votes: [3], globalCount: 1, windowStart: 98 };
console.log(JSON.stringify({
  exports,
  config: (await loadConfig("demo")).trainedContext,
  book: (await readBook("emma")).slice(0, 14),
  spans: selectedSpansFigure({ layers: [{ layer: 0, groups: [group] }], length: 100 }).data[2].base,
  k: completeKnobs({ k: 8, window: 4096 }).k,
}));
`;

Deno.test("the files that publishing would upload are enough to import and use every export", async () => {
  const files = await packedFiles(ROOT);
  const strange = files.filter(({ path }) => /^(tests|results|notebooks|\.ci|\.git)\//.test(path));
  assertEquals(strange, []);
  const folder = await Deno.makeTempDir();
  try {
    for (const { path } of files) {
      const target = `${folder}/${path}`;
      await Deno.mkdir(target.slice(0, target.lastIndexOf("/")), { recursive: true });
      await Deno.copyFile(new URL(path, ROOT), target);
    }
    await Deno.writeTextFile(`${folder}/use.ts`, USE);
    // Nothing but its own files may be read, and nothing is asked of anywhere.
    const use = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-lock", "--cached-only", `--allow-read=${folder}`, "--allow-env", `${folder}/use.ts`],
      cwd: folder,
    });
    const { code, stdout, stderr } = await use.output();
    assert(code === 0, new TextDecoder().decode(stderr));
    const { exports } = JSON.parse(textOf("deno.json"));
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)), {
      exports: Object.keys(exports),
      config: 512,
      book: "Emma Woodhouse",
      spans: [40],
      k: 8,
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("packedFiles names a folder that is no package", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/deno.json`, "{}");
    let message = "";
    await packedFiles(new URL(`file://${folder}/`)).catch((error) => message = error.message);
    assert(message.startsWith("deno publish --dry-run"), message);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
