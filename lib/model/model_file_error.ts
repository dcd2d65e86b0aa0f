/**
 * A model's file (config, weights, tokenizer) is damaged, of a kind that can't be run, or lacks what was asked of it.
 *
 * @example
 * ```ts
 * import { ModelFileError, parseConfig } from "@reattention/toolkit/model";
 * import { assertThrows } from "@std/assert";
 *
 * assertThrows(() => parseConfig({ model_type: "mamba" }), ModelFileError, 'config.json: model_type "mamba"');
 * ```
 */
export class ModelFileError extends RangeError {
  /** The class's own name, as shown in stack traces. */
  override name = "ModelFileError";
}

/**
 * Parses JSON of a model's file.
 *
 * @param text the JSON
 * @param file what to call the file in the message
 * @throws {ModelFileError} naming the file where the text is not JSON.
 */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFileError(`${file}: not valid JSON (${(error as Error).message})`, { cause: error });
  }
}

/**
 * Parses JSON in which no object has a name twice: JSON itself would silently take the last, and a file made so is not
 * what its maker thinks it is.
 *
 * @throws {ModelFileError} naming the file and the name that stands twice, or where the text is not JSON.
 */
export function parseStrictJson(text: string, file: string): unknown {
  const value = parseJson(text, file);
  const twice = repeatedName(text);
  if (twice !== undefined) throw new ModelFileError(`${file}: ${twice} stands twice`);
  return value;
}

/** The first name, in quotes, that stands twice in one object of a valid JSON text. */
function repeatedName(text: string): string | undefined {
  const open: (Set<string> | undefined)[] = [];
  let last = "";
  for (const [piece] of text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\]:]/g)) {
    if (piece === "{") open.push(new Set());
    else if (piece === "[") open.push(undefined);
    else if (piece === "}" || piece === "]") open.pop();
    else if (piece !== ":") last = JSON.stringify(JSON.parse(piece));
    else {
      const names = open.at(-1)!;
      if (names.has(last)) return last;
      names.add(last);
    }
  }
  return undefined;
}
