import { readBytes } from "../../platform.ts";
import { parseJsonAsPython } from "../metrics/float_number.ts";

/** A line of a JSON Lines file: its value, or why it has none. */
export type JsonLine =
  | { readonly line: number; readonly value: unknown }
  | { readonly line: number; readonly fault: string };

const LINE_END = 0x0a;
const BLANK = /^[\s\ufeff]*$/;

/** Where each line starts and ends, without its line end. */
function* linesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let start = 0; start < bytes.length;) {
    const end = bytes.indexOf(LINE_END, start);
    const stop = end < 0 ? bytes.length : end;
    yield bytes.subarray(start, stop);
    start = stop + 1;
  }
}

/**
 * The lines of a JSON Lines file, one after another: cut at line feeds only, blank lines left out, a byte order mark and
 * carriage returns at line ends tolerated. A line that is no UTF-8 or no JSON comes as a fault, and the rest goes on.
 *
 * @example
 * ```ts
 * import { jsonLines } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = new TextEncoder().encode('{"id": 1}\n\n{"id": \n{"id": 3}');
 * const lines = [...jsonLines(bytes)];
 * assertEquals(lines.map(({ line }) => line), [1, 3, 4]);
 * assertEquals("fault" in lines[1], true);
 * ```
 */
export function* jsonLines(bytes: Uint8Array): Generator<JsonLine, void, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let line = 0;
  for (const piece of linesOf(bytes)) {
    line++;
    let text: string;
    try {
      text = decoder.decode(piece);
    } catch {
      yield { line, fault: "is not UTF-8 text" };
      continue;
    }
    if (BLANK.test(text)) continue;
    try {
      yield { line, value: parseJsonAsPython(text) };
    } catch (error) {
      yield { line, fault: `is not JSON: ${(error as Error).message}` };
    }
  }
}

/**
 * The lines of a JSON Lines file on the disk or behind a URL.
 *
 * @throws {PlatformError} if the file can't be read.
 *
 * @example
 * ```ts
 * import { readJsonLines } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${folder}/rows.jsonl`, '{"id": 1}\n\n{"id": 2}\n');
 * const lines = [...await readJsonLines(`${folder}/rows.jsonl`)];
 * await Deno.remove(folder, { recursive: true });
 * assertEquals(lines, [{ line: 1, value: { id: 1 } }, { line: 3, value: { id: 2 } }]);
 * ```
 */
export async function readJsonLines(source: string | URL): Promise<Generator<JsonLine, void, void>> {
  return jsonLines(await readBytes(source));
}
