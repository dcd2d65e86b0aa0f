import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import fc from "fast-check";
import { presets } from "../../../lib/attention/mod.ts";
import {
  CaseError,
  choiceKnobs,
  type ExplorerCase,
  numberKnobs,
  pageMethods,
  readCase,
  writeCase,
} from "../../../experiments/explorer/page/explorer_case.ts";

const cases: fc.Arbitrary<ExplorerCase> = fc.record({
  text: fc.constantFrom("novels" as const, "own" as const),
  needle: fc.constantFrom("hidden" as const, "mine" as const, "there" as const),
  length: fc.integer({ min: 256, max: 2 ** 20 }),
  seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  method: fc.constantFrom(...pageMethods),
  ask: fc.integer({ min: 0, max: 3 }),
  sentence: fc.string({ maxLength: 500, unit: "grapheme" }).map((text) => text.slice(0, 500).toWellFormed()),
  question: fc.string({ maxLength: 80 }),
  answer: fc.string({ maxLength: 80 }),
  knobs: fc.record({
    k: fc.integer({ min: 0, max: 256 }),
    window: fc.integer({ min: 64, max: 4096 }),
    positions: fc.constantFrom(...choiceKnobs.positions),
    scoring: fc.constantFrom(...choiceKnobs.scoring),
  }, { requiredKeys: [] }),
});

Deno.test("writeCase and readCase: a link gives back the case it was made of", () => {
  fc.assert(fc.property(cases, (asked) => {
    const usual = presets.demo as unknown as Record<string, unknown>;
    const knobs = Object.fromEntries(Object.entries(asked.knobs).filter(([name, value]) => usual[name] !== value));
    assertEquals(readCase(new URLSearchParams(writeCase(asked))), { ...asked, knobs });
  }));
});

Deno.test("readCase names what is wrong in a link, its value and what would be right", () => {
  const faults: readonly [link: string, ...words: string[]][] = [
    ["length=12", 'length "12"', "from 256 to 1048576"],
    ["seed=-1", 'seed "-1"', "whole number"],
    ["method=best", 'method "best" is none', "reattention-window"],
    ["text=mine", 'text "mine" is none', "novels, own"],
    ["k=many", "k"],
    ["k=300", "k 300", "at most 256"],
    ["window=32", "chunkSize: 64", "window (32)"],
    ["positions=odd", "positions", '"odd"'],
    ["colour=red", "no setting named colour"],
    [`sentence=${"x".repeat(501)}`, "sentence", "500"],
  ];
  for (const [link, ...words] of faults) {
    const { message } = assertThrows(() => readCase(new URLSearchParams(link)), CaseError) as Error;
    for (const word of words) assertStringIncludes(message, word);
  }
});

Deno.test("every knob of the page is one that the model's preset has", () => {
  const names = [...numberKnobs, ...Object.keys(choiceKnobs)];
  assertEquals(names.filter((name) => !(name in presets.demo)), []);
});
