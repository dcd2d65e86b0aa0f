import type { MethodName, TraceLayer, TraceStep } from "../../lib/attention/mod.ts";
import type { Knobs } from "../../lib/attention/mod.ts";
import {
  type DemoRow,
  type NeedleAnswer,
  type NeedleAnswered,
  type NeedleProgress,
  type NeedleSession,
  runNeedleTask,
  type TextTokenizer,
} from "../../lib/evaluation/mod.ts";
import { type DemoJob, NEEDLES, picturedJob } from "./plan.ts";

/** A session whose selection can be looked at. */
export interface DemoSession extends NeedleSession<DemoSession> {
  /** What each layer attended to in the last steps. */
  readTrace(): Promise<readonly TraceStep[]>;
}

/** What the demo needs of a model. */
export interface DemoModel {
  /** Starts an empty session. */
  createSession(options: { method: MethodName; knobs: Partial<Knobs>; trace: boolean }): DemoSession;
  /** Its tokenizer. */
  readonly tokenizer: TextTokenizer;
}

/** What the layers attended to when they wrote the first token of one answer. */
export interface DemoPicture {
  /** What the rows call the method that selected. */
  method: string;
  /** The row's length. */
  length: number;
  /** Tokens in the cache at that step. */
  cached: number;
  /** The question. */
  prompt: string;
  /** What was answered. */
  answer: NeedleAnswer;
  /** Where the needle stands. */
  needle: { start: number; end: number };
  /** First token of the question. */
  questionStart: number;
  /** Text of the tokens from `start` up to, not including, `end`, of context and question. */
  text: (start: number, end: number) => string;
  /** What each layer attended to. */
  layers: readonly TraceLayer[];
}

/** How a run is watched and stopped. */
export interface DemoRunOptions {
  /** Seed of the haystacks. */
  seed: number;
  /** Ends the run with the signal's reason. */
  signal?: AbortSignal;
  /** Called as tokens are read and questions answered. */
  onProgress?: (job: DemoJob, progress: NeedleProgress) => void;
  /** Called as rows are done. */
  onRow?: (row: DemoRow) => void;
}

/** Runs the rows in order; one question of the longest row that selects is kept for the picture. */
export async function runJobs(
  model: DemoModel,
  memory: { readonly peakBytes: number; resetPeak(): void },
  jobs: readonly DemoJob[],
  { seed, signal, onProgress, onRow }: DemoRunOptions,
): Promise<{ rows: DemoRow[]; picture?: DemoPicture }> {
  const pictured = picturedJob(jobs);
  const rows: DemoRow[] = [];
  let picture: DemoPicture | undefined;
  for (const job of jobs) {
    const { label, method, knobs, ...task } = job;
    const trace = job === pictured;
    const subject = {
      createSession: () => model.createSession({ method, knobs, trace }),
      tokenizer: model.tokenizer,
      memory,
    };
    const allowBeyondTrained = knobs.allowBeyondTrained ?? false;
    const done = await runNeedleTask(subject, { ...task, method: label, needles: NEEDLES, seed, allowBeyondTrained }, {
      signal,
      onProgress: (progress) => onProgress?.(job, progress),
      onAnswer: async (answered) => {
        if (trace && isPictured(job, answered)) picture = await takePicture(job, answered, model.tokenizer);
      },
    });
    rows.push(...done);
    done.forEach((row) => onRow?.(row));
  }
  return picture ? { rows, picture } : { rows };
}

/** The needle in the middle of the first context: as far from both ends as there is one. */
function isPictured(
  { questionsPerNeedle }: DemoJob,
  { haystack, way, question, context }: NeedleAnswered<DemoSession>,
): boolean {
  return haystack === 0 && way === 0 && question === questionsPerNeedle * Math.floor(context.needles.length / 2);
}

async function takePicture(
  job: DemoJob,
  { context, needle, prompt, answer, session }: NeedleAnswered<DemoSession>,
  tokenizer: TextTokenizer,
): Promise<DemoPicture | undefined> {
  // The question's last token is the first step of one token: it writes the answer's first.
  const step = (await session.readTrace()).find(({ rows }) => rows === 1);
  if (!step) return undefined;
  const tokens = [...context.tokens, ...tokenizer.encode(prompt, { addSpecialTokens: false })];
  return {
    method: job.label,
    length: job.length,
    cached: step.length,
    prompt: prompt.trim(),
    answer,
    needle: { start: needle.tokenIndex, end: needle.tokenIndex + needle.tokenCount },
    questionStart: context.tokens.length,
    text: (start, end) => tokenizer.decode(tokens.slice(start, end)).trim(),
    layers: step.layers,
  };
}
