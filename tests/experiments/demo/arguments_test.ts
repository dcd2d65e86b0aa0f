import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ArgumentsError, parseDemoArguments, USAGE } from "../../../experiments/demo/arguments.ts";

Deno.test("parseDemoArguments has defaults", () => {
  assertEquals(parseDemoArguments([]), { help: false, full: false, model: "demo", seed: 1, out: "results/demo" });
});

Deno.test("parseDemoArguments reads everything, in order and once", () => {
  const args = [
    "--length",
    "2048,512",
    "--length=512",
    "--method",
    "reattention, full",
    "--seed",
    "7",
    "--json",
    "a.json",
    "--out",
    "b",
    "--full",
    "--model",
    "c",
  ];
  assertEquals(parseDemoArguments(args), {
    help: false,
    full: true,
    model: "c",
    lengths: [512, 2048],
    methods: ["full", "reattention"],
    seed: 7,
    json: "a.json",
    out: "b",
  });
});

Deno.test("parseDemoArguments says what is wrong and what would be right", () => {
  const cases: [string[], string][] = [
    [["--length", "128"], '--length "128" must be a whole number from 256 to 16777216'],
    [["--length", "512,,"], '--length "" must be'],
    [["--length", "8k"], '--length "8k" must be'],
    [["--length", "1e3"], '--length "1e3" must be'],
    [["--method", "fast"], '--method "fast" is none; the methods are full, window, streaming, lm-infinite'],
    [["--seed", "4294967296"], '--seed "4294967296" must be a whole number from 0 to 4294967295'],
    [["--json", ""], "--json must name a file"],
    [["--lenght", "512"], "--lenght"],
    [["--needle", "x"], "belong together: --haystack and --question missing"],
    [["--haystack", "a", "--needle", "x"], "belong together: --question missing"],
    [["--answer", "x"], "belong together"],
    [["--haystack", "a", "--needle", "...", "--question", "b"], "--needle must be a text with a word in it"],
    [["--haystack", "a", "--needle", "b", "--question", "c", "--full"], "leave out --full"],
    [["--haystack", "a", "--needle", "b", "--question", "c", "--length", "512"], "leave out --length"],
    [["512"], "512"],
    [["--seed"], "--seed"],
  ];
  for (const [args, message] of cases) assertThrows(() => parseDemoArguments(args), ArgumentsError, message);
});

Deno.test("parseDemoArguments names all that is wrong at once", () => {
  const error = assertThrows(() => parseDemoArguments(["--seed", "x", "--method", "y"]), ArgumentsError);
  assertStringIncludes(error.message, "--seed");
  assertStringIncludes(error.message, "--method");
});

const OPTIONS = [
  ...["--length", "--method", "--full", "--haystack", "--needle", "--question", "--answer", "--model", "--seed"],
  ...["--json", "--out", "--help"],
];

Deno.test("the usage names every option", () => {
  for (const name of OPTIONS) assertStringIncludes(USAGE, name);
});
