import type { Knobs } from "../../lib/attention/mod.ts";
import type { Model, Session } from "../../lib/model/mod.ts";
import { SafetensorsFile } from "../../lib/model/weights/safetensors.ts";
import { knobsFromReference } from "../../lib/reference/mod.ts";
import { openGolden } from "./golden_file.ts";
import { type Differences, sameTokens, Tally, type Verdict } from "./verdict.ts";

/** Largest difference of a logit that passes, in f32. */
const LOGIT_LIMIT = 2e-3;

/** Logits of a whole prompt and the greedy continuation, with plain full attention. */
export async function verifyLogits(model: Model, path: string): Promise<Verdict> {
  const file = await SafetensorsFile.open(path);
  const ids = [...await file.readInts("input_ids")];
  const greedy = await file.readInts("greedy_ids");
  using reader = model.createSession({ method: "full", knobs: { allowBeyondTrained: true } });
  const tally = new Tally();
  tally.differences.add(await reader.logits(ids), await file.readFloats("logits"));
  using writer = model.createSession({ method: "full", knobs: { allowBeyondTrained: true } });
  const said = await writer.generate(ids, { maxTokens: greedy.length, stopTokens: [] });
  for (const [index, token] of greedy.entries()) {
    tally.count(said[index] === token ? undefined : `the greedy continuation differs from token ${index} on`);
  }
  return tally.verdict(LOGIT_LIMIT, "logits");
}

/** ReAttention inside a whole model: what each layer selected in each step, and the answer. */
export async function verifyReAttention(model: Model, path: string): Promise<Verdict> {
  const { file, knobs: published, about: { steps, minScoreGap } } = await openGolden(path);
  const layers = Array.from({ length: model.config.layers }, (_, layer) => knobsFromReference(published, layer).knobs);
  const options = {
    method: "reattention",
    knobs: { ...layers[0] as Partial<Knobs>, allowBeyondTrained: true },
    ...(hasLists(published) && { layerKnobs: layers as Partial<Knobs>[] }),
  } as const;
  using session = model.createSession({ ...options, trace: true });
  const ids = [...await file.readInts("input_ids")];
  const greedy = await file.readInts("greedy_ids");
  const said = await session.generate(ids, { maxTokens: greedy.length, stopTokens: [] });
  const trace = await session.readTrace();
  const tally = new Tally(minScoreGap);
  for (const [number, { start, length, mode }] of steps.entries()) {
    // The first call is read in chunks, which changes nothing: its last chunk sees what the whole call sees.
    const step = trace.findLast((entry) => entry.start + entry.rows === start + length);
    let same = step?.kind === mode;
    for (const { layer, groups } of step?.layers ?? []) {
      same &&= sameTokens(groups[0].indices, await file.readInts(`step${number}.layer${layer}.indices`));
    }
    tally.count(same ? undefined : `step ${number}: the selection differs`);
  }
  if (!sameTokens(said, greedy)) tally.fail("the answer differs");
  await addDecodeLogits(tally.differences, model.createSession(options), ids, [...greedy], file);
  return tally.verdict(LOGIT_LIMIT, "logits");
}

/** Compares the decode steps' logits; the golden's own tokens are fed, so that one difference makes no other. */
async function addDecodeLogits(
  differences: Differences,
  reader: Session,
  ids: readonly number[],
  greedy: readonly number[],
  file: SafetensorsFile,
): Promise<void> {
  const expected = await file.readFloats("last_logits");
  const [steps, vocabulary] = file.entry("last_logits").shape;
  using session = reader;
  await session.append(ids.slice(0, -1));
  for (const [index, token] of [ids[ids.length - 1], ...greedy.slice(0, -1)].entries()) {
    const row = steps - greedy.length + index;
    differences.add(await session.logits([token]), expected.subarray(row * vocabulary, (row + 1) * vocabulary));
  }
}

/** Whether any knob is a list of one value per layer. */
function hasLists(published: unknown): boolean {
  return typeof published === "object" && published !== null && Object.values(published).some(Array.isArray);
}
