import { assertEquals, assertThrows } from "@std/assert";
import { parseFigureArguments } from "../../../experiments/figures/arguments.ts";

Deno.test("parseFigureArguments has defaults for all but the figures", () => {
  assertEquals(parseFigureArguments(["a.json", "b.json"]), {
    help: false,
    dark: false,
    width: "column",
    formats: ["svg", "pdf"],
    files: ["a.json", "b.json"],
  });
  const given = parseFigureArguments(["a.json", "--format", "png, svg", "--width", "120", "--dark", "--out", "x"]);
  assertEquals([given.formats, given.width, given.dark, given.out], [["png", "svg"], 120, true, "x"]);
});

Deno.test("parseFigureArguments names what is wrong and what would be right", () => {
  assertThrows(() => parseFigureArguments([]), RangeError, "name at least one figure");
  assertThrows(
    () => parseFigureArguments(["a", "--format", "gif"]),
    RangeError,
    '--format must be of svg, pdf, png, not "gif"',
  );
  assertThrows(() => parseFigureArguments(["a", "--width", "5"]), RangeError, 'or 40 to 1000 millimetres, not "5"');
  assertThrows(() => parseFigureArguments(["a", "--colour"]), RangeError, "--colour");
});
