import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { NeedleArgumentsError, parseNeedleArguments, USAGE } from "../../../experiments/needle/arguments.ts";
import { needlesFor, readingKnobs } from "../../../experiments/needle/knobs.ts";
import { presets, resolveKnobs } from "../../../lib/attention/mod.ts";

Deno.test("parseNeedleArguments reads lengths, knobs and files", () => {
  const args =
    "--length 64K,1M --method reattention --questions 8 --haystacks 2 --seconds 30 --set k=8 --set positions=original " +
    "--read chunkSize=448 --storage f16 --values-on file --seed 3 --json a.json";
  assertEquals(parseNeedleArguments(args.split(" ")), {
    help: false,
    model: "demo",
    lengths: [65536, 1048576],
    methods: ["reattention"],
    questions: 8,
    haystacks: 2,
    seconds: 30,
    knobs: { k: 8, positions: "original" },
    reading: { chunkSize: 448 },
    storage: "f16",
    valuesOn: "file",
    seed: 3,
    json: "a.json",
    draw: [],
  });
  assertEquals(parseNeedleArguments(["--length", "1M"]).methods, ["reattention-window"]);
});

Deno.test("parseNeedleArguments says what is wrong and what would be right", () => {
  const cases: [string, string][] = [
    ["", "name lengths with --length"],
    ["--length 100", '--length "100" must be a whole number from 256 to 32M'],
    ["--length 1G", '--length "1G" must be'],
    ["--length 1M --method recall", '--method "recall" is none; the methods are full'],
    ["--length 1M --set size=3", '--set "size=3" must be NAME=VALUE; the knobs are globalSize'],
    ["--length 1M --read k", '--read "k" must be NAME=VALUE'],
    ["--length 1M --storage f8", '--storage "f8" is none; there are f32, f16 and int8'],
    ["--length 1M --values-on disk", '--values-on "disk" must be gpu, host, file'],
    ["--length 1M --questions 0", '--questions "0" must be a whole number from 1 to 100'],
    ["--length 1M,2M --save a", "--save takes one length, one method and one haystack"],
    ["--length 1M --save a --restore a", "exclude each other"],
    ["--draw a.json", "--draw needs --figure FILE"],
    ["--length 1M --figure a.png", "--figure must end in .html or .json"],
    ["--length 1M --what", "--what"],
  ];
  for (const [args, message] of cases) {
    const error = assertThrows(() => parseNeedleArguments(args.split(" ").filter(Boolean)), NeedleArgumentsError);
    assertStringIncludes(error.message, message);
  }
  assertStringIncludes(USAGE, "deno task needle");
});

Deno.test("needlesFor hides one needle for each question where they fit, and asks evenly where they don't", () => {
  assertEquals([512, 2048, 4096, 2 ** 20].map((length) => needlesFor(length, 40)), [8, 20, 40, 40]);
  assertEquals([needlesFor(256, 7), needlesFor(256, 1), needlesFor(512, 9)], [1, 1, 9]);
});

Deno.test("readingKnobs fills the trained context where nothing is selected", () => {
  const asking = resolveKnobs({}, presets.demo);
  const reading = readingKnobs("reattention-window", asking, 512)!;
  assertEquals([reading.globalSize + reading.window, reading.chunkSize, reading.k], [512, 224, 0]);
  assertEquals(readingKnobs("reattention", asking, 512), undefined);
  assertEquals(readingKnobs("reattention", asking, 512, { k: 8 })!.k, 8);
  const long = readingKnobs("reattention-window", resolveKnobs({}, presets.paper), 131072)!;
  assertEquals([long.globalSize + long.window, long.chunkSize], [131072, 512]);
});
