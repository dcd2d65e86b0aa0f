import { WHITE_SPACE } from "./python_text.ts";

/** Cuts Chinese text into words; all pieces together are the text. */
export type Segmenter = (text: string) => string[];

/** What the Python library hands to its dictionary; everything else it cuts character by character. */
const KNOWN = /[\u4e00-\u9fd5a-zA-Z0-9+#&._%-]+/g;
const LINE_END_OR_CHARACTER = new RegExp(`\\r\\n|[${WHITE_SPACE}]|.`, "gsu");

let loaded: Promise<Segmenter> | undefined;

/**
 * Loads the segmenter that LongBench's scorer uses, jieba in its precise mode with the model for unknown words, as
 * WebAssembly. Its dictionary takes about 5 MB, so it is loaded when first asked for, once.
 *
 * @example
 * ```ts
 * import { loadSegmenter } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const segment = await loadSegmenter();
 * assertEquals(segment("船长把铜钥匙交给了学徒"), ["船长", "把", "铜", "钥匙", "交给", "了", "学徒"]);
 * ```
 */
export function loadSegmenter(): Promise<Segmenter> {
  loaded ??= import("jieba-wasm").then(({ cut }) => (text: string) => segmented(text, (known) => cut(known, true)));
  return loaded;
}

function segmented(text: string, cut: (text: string) => string[]): string[] {
  const pieces: string[] = [];
  let end = 0;
  for (const match of text.matchAll(KNOWN)) {
    pieces.push(...charactersOf(text.slice(end, match.index)), ...cut(match[0]));
    end = match.index + match[0].length;
  }
  return [...pieces, ...charactersOf(text.slice(end))];
}

function charactersOf(text: string): string[] {
  return text.match(LINE_END_OR_CHARACTER) ?? [];
}
