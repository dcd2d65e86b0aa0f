/**
 * A file that holds no session, not all of one, or one that can't go on here.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { loadModel, SavedSessionError } from "@reattention/toolkit/model";
 * import { assertRejects } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "no session");
 * await assertRejects(() => model.restore(path), SavedSessionError, path);
 * await Deno.remove(path);
 * ```
 */
export class SavedSessionError extends Error {
  /** The error's name. */
  override readonly name = "SavedSessionError";

  /** Says which file, and why. */
  constructor(path: string, reason: string, options?: ErrorOptions) {
    super(`${path}: ${reason}`, options);
  }
}
