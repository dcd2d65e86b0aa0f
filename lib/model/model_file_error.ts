/** A model's file (config, weights, tokenizer) is damaged, of a kind that can't be run, or lacks what was asked of it. */
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
