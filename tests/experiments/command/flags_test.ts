import { assertEquals, assertThrows } from "@std/assert";
import { z } from "zod";
import { FlagsError, readFlags } from "../../../experiments/command/flags.ts";

const schema = z.object({
  seed: z.string().regex(/^\d+$/, { error: ({ input }) => `--seed "${input}" must be a whole number` }).optional(),
  out: z.string().min(1, "--out must name a file, not be empty").default("here"),
  help: z.boolean().default(false),
});

Deno.test("readFlags reads texts and --help, with the schema's defaults", () => {
  assertEquals(readFlags(schema, []), { out: "here", help: false });
  assertEquals(readFlags(schema, ["--seed", "3", "--help"]), { seed: "3", out: "here", help: true });
});

Deno.test("readFlags says of every flag what is wrong, and names what it doesn't know", () => {
  const wrong = assertThrows(() => readFlags(schema, ["--seed", "x", "--out", ""]), FlagsError);
  assertEquals(wrong.message, '--seed "x" must be a whole number\n--out must name a file, not be empty');
  assertThrows(() => readFlags(schema, ["--sead", "3"]), FlagsError, "Unknown option '--sead'");
  assertThrows(() => readFlags(schema, ["3"]), FlagsError, "Unexpected argument '3'");
});
