import type { AttentionMethod, StepShape } from "../attention/mod.ts";

/**
 * Checks that a step attends to no more tokens than the model was trained with.
 *
 * @returns true where it attends to more, and the knobs allow that
 * @throws {RangeError} where it would attend to more and the knobs do not allow it, saying by how much.
 */
export function checkScope(method: AttentionMethod, step: StepShape, trainedContext: number): boolean {
  const scope = method.scopeBound(step);
  if (scope <= trainedContext) return false;
  if (method.knobs.allowBeyondTrained) return true;
  const { globalSize, recallClip, spanSize, window } = method.knobs;
  const made = scope === step.length
    ? "all tokens so far"
    : `globalSize ${globalSize} + recallClip ${recallClip} x spanSize ${spanSize} + window ${window} at most`;
  throw new RangeError(
    `${method.name}: a step would attend to ${scope} tokens (${made}), ${
      scope - trainedContext
    } more than the model's trained ` +
      `context of ${trainedContext}; lower them, or set allowBeyondTrained`,
  );
}
