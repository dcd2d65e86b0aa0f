import { type TraceStep } from "../../lib/attention/mod.ts";
import { askNeedle, makeHaystack, type Needle, Random } from "../../lib/evaluation/mod.ts";
import type { Model, Session } from "../../lib/model/mod.ts";
import {
  type AttendedStep,
  needleRecall,
  type NeedleRecallPoint,
  type TokenRange,
  type TokenText,
} from "../../lib/viz/mod.ts";

/** Tokens of the context that figures of one run show. */
const LENGTH = 8192;
const ROOM = 64;
/** Tokens that each head picks in the run that recall is counted from. */
const PICKED = 64;

/** A question about a needle, asked of a session that has read the context. */
export interface AskedRun {
  /** The session, the question not yet read. */
  readonly session: Session;
  /** The question, without the answer. */
  readonly prompt: string;
  /** The needle. */
  readonly asked: Needle;
  /** Where it stands. */
  readonly needle: TokenRange;
  /** All needles of the context. */
  readonly needles: readonly Needle[];
  /** First token of the question. */
  readonly questionStart: number;
  /** Text of context and question. */
  readonly text: TokenText;
}

/** Reads a context with eight needles; the fourth is asked for. The caller disposes the session. */
export async function readContext(
  model: Model,
  { length = LENGTH, k }: { length?: number; k?: number } = {},
): Promise<AskedRun> {
  const { tokenizer } = model;
  const { tokens, needles } = await makeHaystack({
    tokenizer,
    tokens: length - ROOM,
    needles: 8,
    random: new Random(5),
  });
  const session = model.createSession({
    method: "reattention-window",
    trace: true,
    ...(k === undefined ? {} : { knobs: { k } }),
  });
  try {
    await session.append(tokens);
  } catch (error) {
    session[Symbol.dispose]();
    throw error;
  }
  const asked = needles[3];
  const { prompt } = askNeedle(asked);
  const all = [...tokens, ...tokenizer.encode(prompt, { addSpecialTokens: false })];
  return {
    session,
    prompt,
    asked,
    needle: { start: asked.tokenIndex, end: asked.tokenIndex + asked.tokenCount },
    needles,
    questionStart: tokens.length,
    text: (start, end) => tokenizer.decode(all.slice(start, end)),
  };
}

/** The steps that select, from the question on, with what was read or written in each. */
export async function selectingSteps({ session, prompt }: AskedRun, model: Model): Promise<AttendedStep[]> {
  using fork = session.fork();
  fork.clearTrace();
  const { tokenizer } = model;
  const said = await fork.generate(tokenizer.encode(prompt, { addSpecialTokens: false }), { maxTokens: 8 });
  const steps = (await fork.readTrace()).filter(({ kind }) => kind === "select");
  return steps.map((step, index) => ({ ...step, label: labelOf(step, index, steps.length, said, tokenizer) }));
}

function labelOf(
  { rows }: TraceStep,
  index: number,
  count: number,
  said: readonly number[],
  tokenizer: Model["tokenizer"],
): string {
  if (rows > 1) return "reads the question";
  const written = said[said.length - (count - index)];
  return written === undefined ? "" : `writes "${tokenizer.decode([written]).trim()}"`;
}

/** Needle recall of every head at several k, over all needles of one context. */
export async function recallPoints(model: Model): Promise<NeedleRecallPoint[]> {
  const { session, needles } = await readContext(model, { k: PICKED });
  using context = session;
  const points: NeedleRecallPoint[] = [];
  for (const needle of needles) {
    using fork = context.fork();
    fork.clearTrace();
    const prompt = model.tokenizer.encode(askNeedle(needle).prompt, { addSpecialTokens: false });
    await fork.generate(prompt, { maxTokens: 1 });
    // The prompt's last token is a step of its own: it predicts the answer's first.
    const step = (await fork.readTrace()).find(({ kind, rows }) => kind === "select" && rows === 1);
    for (const { layer, groups: [{ globalCount, windowStart }], picks } of step?.layers ?? []) {
      const ks = [1, 2, 4, 8, 16, 32, 64];
      const { valueTokenIndices: valueTokens } = needle;
      points.push(...needleRecall({ layer, picks, valueTokens, ks, middle: windowStart - globalCount }));
    }
  }
  return points;
}
