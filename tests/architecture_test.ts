import { assert, assertEquals } from "@std/assert";
import { codeOf, filesUnder, importsOf, resolveImport, textOf } from "./source_files.ts";

/** What each room may import besides itself; lib/reference, lib/notebook, lib/platform.ts and lib/zod.ts are open to all of lib. */
const LAYERS: Record<string, readonly string[]> = {
  "kernels": [],
  "lib/platform": [],
  "lib/zod": [],
  "lib/notebook": [],
  "lib/reference": ["lib/zod"],
  "lib/gpu": ["kernels"],
  "lib/tensor": ["lib/gpu"],
  "lib/attention": ["lib/gpu", "lib/tensor"],
  "lib/model": ["lib/gpu", "lib/tensor", "lib/attention"],
  "lib/evaluation": ["lib/gpu", "lib/tensor", "lib/attention", "lib/model"],
  "lib/viz": ["lib/gpu", "lib/tensor", "lib/attention", "lib/model"],
};
const OPEN = ["lib/platform", "lib/zod", "lib/reference", "lib/notebook"];
const CLOSED = ["lib/platform", "lib/zod", "lib/reference", "lib/notebook", "kernels"];
const MOST_LINES = 320;

const { exports } = JSON.parse(textOf("deno.json")) as { exports: Record<string, string> };

/** The room of a path: "kernels", "lib/gpu", "experiments", "tests", or "mod.ts" itself. */
function roomOf(path: string): string {
  const [top, second = ""] = path.split("/");
  return top === "lib" ? `lib/${second.replace(/\.ts$/, "")}` : top;
}

function mayImport(from: string, to: string): boolean {
  if (from === to) return true;
  const allowed = LAYERS[from];
  // Outside the layers: the root module, experiments and notebooks stand above lib, and see neither tests nor each other.
  if (!allowed) return to.startsWith("lib/");
  return allowed.includes(to) || (!CLOSED.includes(from) && OPEN.includes(to));
}

/** Imports that break the layering, as "from -> to". */
function brokenImports(texts: ReadonlyMap<string, string>): string[] {
  const broken: string[] = [];
  for (const [path, text] of texts) {
    for (const specifier of importsOf(text)) {
      const target = resolveImport(path, specifier, exports);
      if (target && !mayImport(roomOf(path), roomOf(target))) broken.push(`${path} -> ${target}`);
    }
  }
  return broken;
}

/** The first circle of imports found, from a file back to itself, or an empty list. */
function importCircle(texts: ReadonlyMap<string, string>): string[] {
  const done = new Set<string>();
  const visit = (path: string, trail: string[]): string[] => {
    if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
    if (done.has(path) || !texts.has(path)) return [];
    for (const specifier of importsOf(texts.get(path)!)) {
      const target = resolveImport(path, specifier, exports);
      const circle = target ? visit(target, [...trail, path]) : [];
      if (circle.length > 0) return circle;
    }
    done.add(path);
    return [];
  };
  for (const path of texts.keys()) {
    const circle = visit(path, []);
    if (circle.length > 0) return circle;
  }
  return [];
}

function sources(): Map<string, string> {
  const paths = ["kernels", "lib", "experiments", "notebooks"].flatMap((folder) => filesUnder(folder, ".ts"));
  return new Map([...paths, "mod.ts"].map((path) => [path, textOf(path)]));
}

Deno.test("imports point one way: kernels, gpu, tensor, attention, model, evaluation and viz, experiments", () => {
  assertEquals(brokenImports(sources()), []);
});

Deno.test("every folder of lib is one of the known layers", () => {
  const unknown = filesUnder("lib", ".ts").filter((path) => !(roomOf(path) in LAYERS));
  assertEquals(unknown, []);
});

Deno.test("no files import each other in a circle", () => {
  assertEquals(importCircle(sources()), []);
});

Deno.test("lib calls Deno in lib/platform.ts only", () => {
  const calls = filesUnder("lib", ".ts").filter((path) =>
    roomOf(path) !== "lib/platform" && /\bDeno\.[a-z]|globalThis\.Deno|["']node:/.test(codeOf(textOf(path)))
  );
  assertEquals(calls, []);
});

Deno.test(`no file of lib, kernels or experiments is longer than ${MOST_LINES} lines`, () => {
  const paths = ["lib", "kernels", "experiments"].flatMap((folder) =>
    [".ts", ".wgsl"].flatMap((ending) => filesUnder(folder, ending))
  );
  const long = paths.filter((path) =>
    path !== "kernels/sources.ts" && textOf(path).split("\n").length - 1 > MOST_LINES
  );
  assertEquals(long, []);
});

Deno.test("every kernel is named in at least one test", () => {
  const tests = filesUnder("tests", "_test.ts").map((path) => codeOf(textOf(path))).join("\n");
  const stems = filesUnder("kernels", ".wgsl").map((path) =>
    path.slice("kernels/".length, -".wgsl".length).replace("parts/", "")
  );
  assert(stems.length > 0, "no kernel found");
  assertEquals(stems.filter((stem) => !new RegExp(`\\b${stem}\\b`).test(tests)), []);
});

Deno.test("brokenImports finds what points the wrong way", () => {
  const text = (...specifiers: string[]) => specifiers.map((specifier) => `import "${specifier}";\n`).join("");
  const found = brokenImports(
    new Map([
      ["lib/gpu/a.ts", text("../tensor/mod.ts", "../../kernels/sources.ts", "../reference/mod.ts")],
      ["lib/tensor/a.ts", text("../gpu/mod.ts", "@reattention/toolkit/model", "zod")],
      ["lib/reference/a.ts", text("./b.ts", "../platform.ts")],
      ["lib/viz/a.ts", text("../evaluation/mod.ts")],
      ["experiments/a.ts", text("../lib/viz/mod.ts", "../tests/a.ts")],
      ["kernels/a.ts", 'export type { A } from "../lib/gpu/mod.ts";\n/** import "../lib/viz/mod.ts"; */\n'],
    ]),
  );
  assertEquals(found, [
    "lib/gpu/a.ts -> lib/tensor/mod.ts",
    "lib/tensor/a.ts -> lib/model/mod.ts",
    "lib/reference/a.ts -> lib/platform.ts",
    "lib/viz/a.ts -> lib/evaluation/mod.ts",
    "experiments/a.ts -> tests/a.ts",
    "kernels/a.ts -> lib/gpu/mod.ts",
  ]);
});

Deno.test("importCircle finds a circle through several files", () => {
  const ring = new Map([
    ["lib/gpu/a.ts", 'import {\n  b,\n} from "./b.ts";'],
    ["lib/gpu/b.ts", 'export * from "./c.ts";'],
    ["lib/gpu/c.ts", 'import type { A } from "./a.ts";'],
  ]);
  assertEquals(importCircle(ring), ["lib/gpu/a.ts", "lib/gpu/b.ts", "lib/gpu/c.ts", "lib/gpu/a.ts"]);
  ring.delete("lib/gpu/c.ts");
  assertEquals(importCircle(ring), []);
});
