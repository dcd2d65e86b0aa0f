import type { Knobs } from "../../lib/attention/mod.ts";
import type { Model } from "../../lib/model/mod.ts";
import { SafetensorsFile } from "../../lib/model/safetensors.ts";
import { knobsFromReference } from "../../lib/reference/mod.ts";
import { fewTies, NEAR_TIE, openGolden } from "./golden_file.ts";
import { Differences, sameTokens, type Verdict } from "./verdict.ts";

/** Largest difference of a logit that passes, in f32. */
export const LOGIT_LIMIT = 2e-3;

/** Logits of a whole prompt and the greedy continuation, with plain full attention. */
export async function verifyLogits(model: Model, path: string): Promise<Verdict> {
  const file = await SafetensorsFile.open(path);
  const ids = [...await file.readInts("input_ids")];
  const greedy = await file.readInts("greedy_ids");
  using reader = model.createSession({ method: "full", knobs: { allowBeyondTrained: true } });
  const differences = new Differences();
  differences.add(await reader.logits(ids), await file.readFloats("logits"));
  using writer = model.createSession({ method: "full", knobs: { allowBeyondTrained: true } });
  const said = await writer.generate(ids, { maxTokens: greedy.length, stopTokens: [] });
  const agree = said.filter((token, index) => token === greedy[index]).length;
  const { absolute, relative } = differences;
  const problem = absolute > LOGIT_LIMIT
    ? `logits differ by more than ${LOGIT_LIMIT}`
    : agree < greedy.length
    ? `the greedy continuation differs from token ${said.findIndex((token, index) => token !== greedy[index])} on`
    : undefined;
  const figures = { agree, compared: greedy.length, ties: 0, absolute, relative };
  return { name: "", kind: "logits and greedy", ...figures, pass: problem === undefined, ...(problem && { problem }) };
}

/** ReAttention inside a whole model: what each layer selected in each step, and the answer. */
export async function verifyReAttention(model: Model, path: string): Promise<Verdict> {
  const { file, knobs: published, about: { steps, minScoreGap } } = await openGolden(path);
  const { knobs } = knobsFromReference(published);
  using session = model.createSession({
    method: "reattention",
    knobs: { ...knobs as Partial<Knobs>, allowBeyondTrained: true },
    trace: true,
  });
  const ids = [...await file.readInts("input_ids")];
  const greedy = await file.readInts("greedy_ids");
  const said = await session.generate(ids, { maxTokens: greedy.length, stopTokens: [] });
  const trace = await session.readTrace();
  let agree = 0;
  let ties = 0;
  let problem: string | undefined;
  for (const [number, { start, length, mode }] of steps.entries()) {
    // The first call is read in chunks, which changes nothing: its last chunk sees what the whole call sees.
    const step = trace.findLast((entry) => entry.start + entry.rows === start + length);
    let same = step?.kind === mode;
    for (const { layer, groups } of step?.layers ?? []) {
      same &&= sameTokens(groups[0].indices, await file.readInts(`step${number}.layer${layer}.indices`));
    }
    if (same) agree++;
    else if (minScoreGap < NEAR_TIE) ties++;
    else problem ??= `step ${number}: the selection differs`;
  }
  if (!fewTies(ties, steps.length)) problem ??= `${ties} of ${steps.length} steps differ at near ties, more than 1 %`;
  if (!sameTokens(said, greedy)) problem ??= "the answer differs";
  const differences = await decodeLogits(model, knobs as Partial<Knobs>, ids, [...greedy], file, steps.length);
  const { absolute, relative } = differences;
  if (absolute > LOGIT_LIMIT) problem ??= `logits differ by more than ${LOGIT_LIMIT}`;
  const figures = { agree, compared: steps.length, ties, absolute, relative };
  return { name: "", kind: "selections", ...figures, pass: problem === undefined, ...(problem && { problem }) };
}

/** Differences of the decode steps' logits; the golden's own tokens are fed, so that one difference makes no other. */
async function decodeLogits(
  model: Model,
  knobs: Partial<Knobs>,
  ids: readonly number[],
  greedy: readonly number[],
  file: SafetensorsFile,
  steps: number,
): Promise<Differences> {
  const differences = new Differences();
  const expected = await file.readFloats("last_logits");
  const vocabulary = expected.length / steps;
  using session = model.createSession({ method: "reattention", knobs: { ...knobs, allowBeyondTrained: true } });
  await session.append(ids.slice(0, -1));
  for (const [index, token] of [ids[ids.length - 1], ...greedy.slice(0, -1)].entries()) {
    const row = steps - greedy.length + index;
    differences.add(await session.logits([token]), expected.subarray(row * vocabulary, (row + 1) * vocabulary));
  }
  return differences;
}
