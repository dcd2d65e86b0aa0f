import type { MethodName, TraceLayer, TraceStep } from "../../lib/attention/mod.ts";
import type { Knobs } from "../../lib/attention/mod.ts";
import {
  askNeedle,
  type DemoRow,
  type NeedleAnswer,
  type NeedleAnswered,
  type NeedleProgress,
  type NeedleSession,
  needleTokens,
  runNeedleTask,
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
  readonly tokenizer: {
    /** The tokens of a text. */
    encode(text: string, options: { addSpecialTokens: boolean }): readonly number[];
    /** The text of tokens. */
    decode(tokens: readonly number[]): string;
  };
}

/** What the layers attended to when they wrote the first token of one answer. */
export interface DemoPicture {
  /** The method that selected. */
  method: MethodName;
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
  /** Words of context and question, one a token. */
  words: readonly string[];
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
    const { method, knobs, ...task } = job;
    const trace = job === pictured;
    const subject = {
      createSession: () => model.createSession({ method, knobs, trace }),
      encode: (text: string) => model.tokenizer.encode(text, { addSpecialTokens: false }),
      decode: (tokens: readonly number[]) => model.tokenizer.decode(tokens),
      memory,
    };
    const settings = { ...task, method, needles: NEEDLES, seed, allowBeyondTrained: knobs.allowBeyondTrained ?? false };
    const row = await runNeedleTask(subject, settings, {
      signal,
      onProgress: (progress) => onProgress?.(job, progress),
      onAnswer: async (answered) => {
        if (trace && isPictured(job, answered)) picture = await takePicture(job, answered);
      },
    });
    rows.push(row);
    onRow?.(row);
  }
  return picture ? { rows, picture } : { rows };
}

/** The needle in the middle of the first context: as far from both ends as there is one. */
function isPictured({ questionsPerHaystack }: DemoJob, { haystack, question }: NeedleAnswered<DemoSession>): boolean {
  return haystack === 0 && question === Math.floor(questionsPerHaystack / 2);
}

async function takePicture(job: DemoJob, answered: NeedleAnswered<DemoSession>): Promise<DemoPicture | undefined> {
  const { context, needle, answer, session } = answered;
  // The question's last token is the first step of one token: it writes the answer's first.
  const step = (await session.readTrace()).find(({ rows }) => rows === 1);
  if (!step) return undefined;
  const { prompt } = askNeedle(needle);
  return {
    method: job.method,
    length: job.length,
    cached: step.length,
    prompt,
    answer,
    needle: { start: needle.tokenIndex, end: needle.tokenIndex + needleTokens },
    questionStart: context.words.length,
    words: [...context.words, ...prompt.split(" ")],
    layers: step.layers,
  };
}
