import * as z from "../../zod.ts";
import { readJsonLines } from "../data/json_lines.ts";
import type { RowFault } from "../question.ts";
import type { GridNeedle } from "./needle_grid.ts";

const schema = z.looseObject({
  language: z.optional(z.string()),
  needle: z.string().check(z.minLength(1, "must not be empty")),
  retrieval_question: z.string().check(z.minLength(1, "must not be empty")),
  arg2: z.string().check(z.minLength(1, "must not be empty")),
});

/**
 * Needles from a file in NeedleBench's layout (needles.jsonl): rows with `needle`, `retrieval_question`, `arg2` (the keyword)
 * and `language`.
 *
 * @param language takes only rows of it, such as "English"; default: all
 * @throws {RangeError} where no row is left.
 *
 * @example
 * ```ts
 * import { readNeedles } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const path = await Deno.makeTempFile({ suffix: ".jsonl" });
 * const row = { language: "English", needle: "Ann hid a key.", retrieval_question: "What did Ann hide?", arg2: "key" };
 * await Deno.writeTextFile(path, JSON.stringify(row));
 * const { needles, faults } = await readNeedles(path, "English");
 * await Deno.remove(path);
 * assertEquals(needles, [{ needle: "Ann hid a key.", keyword: "key", question: "\n\nWhat did Ann hide?\n" }]);
 * assertEquals(faults, []);
 * ```
 */
export async function readNeedles(
  path: string,
  language?: string,
): Promise<{ needles: GridNeedle[]; faults: RowFault[] }> {
  const needles: GridNeedle[] = [];
  const faults: RowFault[] = [];
  for (const read of await readJsonLines(path)) {
    const parsed = "value" in read ? schema.safeParse(read.value) : undefined;
    if (!parsed?.success) {
      const message = "fault" in read
        ? read.fault
        : parsed!.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; ");
      faults.push({ file: path, line: read.line, message });
      continue;
    }
    const { needle, retrieval_question, arg2, language: own } = parsed.data;
    if (language !== undefined && own !== undefined && own !== language) continue;
    needles.push({ needle: needle.trim(), keyword: arg2, question: `\n\n${retrieval_question}\n` });
  }
  if (needles.length > 0) return { needles, faults };
  throw new RangeError(`${path} holds no needle${language ? ` whose language is "${language}"` : ""}`);
}
