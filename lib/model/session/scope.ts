import type { AttentionMethod, StepShape } from "../../attention/mod.ts";

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
  const { globalSize, recallClip, spanSize, window, recallEvery } = method.knobs;
  const growth = recallEvery > 1 ? ` + ${recallEvery - 1} steps of ${step.rows} until it selects again` : "";
  // Methods with knobs of their own make their scope of these too.
  const usual = globalSize + Math.max(0, recallClip) * spanSize + window + (recallEvery - 1) * step.rows;
  const made = scope === step.length
    ? "all tokens so far"
    : scope > usual && recallClip >= 0
    ? "as its own knobs make it"
    : `globalSize ${globalSize} + recallClip ${recallClip} x spanSize ${spanSize} + window ${window}${growth} at most`;
  throw new RangeError(
    `${method.name}: a step would attend to ${scope} tokens (${made}), ${
      scope - trainedContext
    } more than the model's trained ` +
      `context of ${trainedContext}; lower them, or set allowBeyondTrained`,
  );
}

/**
 * Checks the scope that a method reaches however long the context gets, so that wrong knobs end before anything is read.
 * A method whose scope grows with the context, such as full attention, is checked step by step instead.
 *
 * @throws {RangeError} where that scope passes the trained context and the knobs do not allow it.
 */
export function checkScopeAtAnyLength(method: AttentionMethod, trainedContext: number): void {
  const length = 2 ** 30;
  for (const phase of ["prefill", "decode"] as const) {
    const rows = phase === "prefill" ? method.knobs.chunkSize : 1;
    const step = { length, rows, phase, first: false, questionStart: 0 };
    if (method.scopeBound(step) < length) checkScope(method, step, trainedContext);
  }
}
