/** Arguments that can't be: the message says which and what would be right. */
export class EvaluateArgumentsError extends Error {
  /** The error's name. */
  override readonly name = "EvaluateArgumentsError";
}
