import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { generateSources } from "../../kernels/generate.ts";
import { KernelFormatError, parseKernel } from "../../kernels/parse.ts";
import { renderSources } from "../../kernels/render.ts";
import { kernels, parts } from "../../kernels/sources.ts";

const HEADER = `// Adds one.
//
// Shapes:   x [count]
// Dispatch: one thread per element
// Source:   none
`;
const PARAMS = `struct Params {
  count: u32, // elements
  shift: i32,
  factor: f32,
}
`;
const BINDINGS = `@group(0) @binding(0) var<uniform> params: Params;
@binding(1) @group(0)
var<storage> x: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec2<f32>>;
var<workgroup> partial: array<f32, 64>;
`;
const MAIN = `@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sum = 0.0; /* var<storage> old: u32 */
  y[lane] = vec2<f32>(x[lane] * params.factor + sum);
}
`;
const WHOLE = HEADER + PARAMS + BINDINGS + MAIN;

Deno.test("kernels/sources.ts is what the .wgsl files give: run `deno task kernels` where this fails", async () => {
  const found = await Deno.readTextFile(new URL("../../kernels/sources.ts", import.meta.url));
  assertEquals(found.replaceAll("\r\n", "\n") === await generateSources(), true, "kernels/sources.ts is out of date");
});

Deno.test("kernels hold each file's text unchanged under its own name", async () => {
  for (const [name, kernel] of Object.entries(kernels)) {
    const file = await Deno.readTextFile(new URL(`../../kernels/${name}.wgsl`, import.meta.url));
    assertEquals(kernel.text, file.replaceAll("\r\n", "\n"));
    assertEquals(kernel.name, name);
  }
});

Deno.test("parseKernel finds name, parameters and bindings", () => {
  assertEquals(parseKernel("kernels/add_one.wgsl", WHOLE), {
    name: "add_one",
    text: WHOLE,
    params: [{ name: "count", type: "u32" }, { name: "shift", type: "i32" }, { name: "factor", type: "f32" }],
    bindings: [
      { binding: 0, name: "params", kind: "uniform" },
      { binding: 1, name: "x", kind: "read" },
      { binding: 2, name: "y", kind: "write" },
    ],
  });
});

Deno.test("parseKernel reads files with Windows line ends the same", () => {
  assertEquals(parseKernel("a.wgsl", WHOLE.replaceAll("\n", "\r\n")), parseKernel("a.wgsl", WHOLE));
});

Deno.test("parseKernel ignores what is in comments", () => {
  const comments = "// struct Params { a: vec2<u32> }\n/* @group(1) /* nested */ @binding(7) var<storage> z: u32; */\n";
  const { params, bindings } = parseKernel("a.wgsl", HEADER + comments + PARAMS + BINDINGS + MAIN);
  assertEquals([params.length, bindings.length], [3, 3]);
});

const broken: [what: string, text: string, line: number, problem: string][] = [
  ["a header without Dispatch", WHOLE.replace("Dispatch:", "Grid:"), 1, '"Dispatch:"'],
  ["no header", PARAMS + BINDINGS + MAIN, 1, '"Shapes:"'],
  ["code before the header", "\n" + WHOLE, 1, '"Shapes:"'],
  ["a vector parameter", WHOLE.replace("shift: i32", "shift: vec2<i32>"), 8, 'Params holds "shift: vec2<i32>"'],
  ["a boolean parameter", WHOLE.replace("shift: i32", "shift: bool"), 8, '"shift: bool"'],
  ["an aligned parameter", WHOLE.replace("shift: i32", "@align(16) shift: i32"), 8, '"@align(16) shift: i32"'],
  ["two parameters of one name", WHOLE.replace("shift", "count"), 8, "two fields named count"],
  ["an empty Params", HEADER + "struct Params {}\n" + BINDINGS + MAIN, 6, "Params has no field"],
  ["no Params", HEADER + BINDINGS + MAIN, 1, 'one "struct Params { ... }", found 0'],
  ["another group", WHOLE.replace("@binding(1) @group(0)", "@binding(1) @group(1)"), 12, "x is in group 1"],
  ["no group", WHOLE.replace("@binding(1) @group(0)", "@binding(1)"), 12, "x is in group none"],
  ["no binding number", WHOLE.replace("@group(0) @binding(2)", "@group(0)"), 14, "y has binding none"],
  ["a gap in the bindings", WHOLE.replace("@binding(2)", "@binding(3)"), 14, "y has binding 3, expected @binding(2)"],
  ["bindings out of order", WHOLE.replace("@binding(1)", "@binding(2)"), 12, "x has binding 2, expected @binding(1)"],
  ["a storage variable without attributes", WHOLE.replace("@group(0) @binding(2) ", ""), 14, "y is in group none"],
  ["a texture", WHOLE.replace("var<storage, read_write> y", "var y"), 14, "y is var<"],
  ["a second uniform", WHOLE.replace("var<storage>", "var<uniform>"), 12, "binding 0, and no other"],
  [
    "a first binding that is not Params",
    WHOLE.replace("params: Params", "params: Other"),
    11,
    "binding 0, and no other",
  ],
  ["another entry point", WHOLE.replace("fn main", "fn run"), 16, "found @compute run"],
  ["two entry points", WHOLE + "@compute @workgroup_size(1) fn more() {}\n", 21, "@compute main, @compute more"],
  ["no entry point", HEADER + PARAMS + BINDINGS, 1, "found none"],
  ["an open comment", WHOLE + "/* never\n", 21, "never ends"],
];

Deno.test("parseKernel names file, line and problem", async (t) => {
  for (const [what, text, line, problem] of broken) {
    await t.step(what, () => {
      const error = assertThrows(() => parseKernel("kernels/add_one.wgsl", text), KernelFormatError, problem);
      assertEquals(error.place, `kernels/add_one.wgsl:${line}`);
      assertMatch(error.message, /^kernels\/add_one\.wgsl:\d+: /);
    });
  }
});

Deno.test("parseKernel refuses a file name that is not snake_case", () => {
  assertThrows(() => parseKernel("kernels/AddOne.wgsl", WHOLE), KernelFormatError, '"AddOne", expected snake_case');
});

Deno.test("renderSources sorts by name and keeps any text through a template literal", async () => {
  const text = WHOLE + "// ` ${x} \\n \\` \\${y} $ {z}\n";
  const [a, b] = [parseKernel("a.wgsl", text), parseKernel("b.wgsl", WHOLE)];
  const rendered = renderSources([b, a]);
  assertEquals(rendered, renderSources([a, b]));
  assertStringIncludes(rendered, '\n  | "a"\n  | "b";\n');
  const module = await import("data:application/typescript," + encodeURIComponent(rendered));
  assertEquals(module.kernels, { a: { ...a }, b: { ...b } });
});

Deno.test("parts/best_list, insert, short_lists and row_totals stand once, and every part that a kernel uses is there", async () => {
  const used = Object.values(kernels).flatMap(({ text }) => {
    return [...text.matchAll(/^\/\/ uses parts\/(\w+)\.wgsl$/gm)].map(([, part]) => part);
  });
  // Of these a dispatch names the one that reads or writes what is stored.
  const named = ["keys", "values", "stores_keys", "stores_values"].flatMap((what) => [`${what}_float`, `${what}_int8`]);
  // Of pages that are read eight channels at a time, too.
  named.push(...["keys", "values"].flatMap((what) => [`${what}_wide_f16`, `${what}_wide_int8`]));
  // And how rescore_groups sums.
  named.push("score_chain", "score_lanes");
  assertEquals([...new Set([...used, ...named])].sort(), Object.keys(parts).sort());
  for (const [name, text] of Object.entries(parts)) {
    const file = await Deno.readTextFile(new URL(`../../kernels/parts/${name}.wgsl`, import.meta.url));
    assertEquals(text, file.replaceAll("\r\n", "\n"));
  }
});
