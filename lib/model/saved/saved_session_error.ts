/** A file that holds no session, not all of one, or one that can't go on here. */
export class SavedSessionError extends Error {
  /** The error's name. */
  override readonly name = "SavedSessionError";

  /** Says which file, and why. */
  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path}: ${reason}`, options);
  }
}
