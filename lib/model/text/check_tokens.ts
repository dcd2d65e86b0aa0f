/**
 * Checks token ids from outside.
 *
 * @throws {RangeError} naming the first that is not of the vocabulary, and its place.
 */
export function checkTokens(tokens: readonly number[], vocabularySize: number): void {
  const wrong = tokens.findIndex((token) => !Number.isInteger(token) || token < 0 || token >= vocabularySize);
  if (wrong < 0) return;
  throw new RangeError(`token ${tokens[wrong]} at ${wrong} must be a whole number from 0 to ${vocabularySize - 1}`);
}
