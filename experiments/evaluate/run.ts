import type { Knobs, MethodName } from "../../lib/attention/mod.ts";
import {
  AnswerFile,
  type LoadedTask,
  predictionPath,
  type Question,
  type RowFault,
  runQuestions,
  type RunSubject,
} from "../../lib/evaluation/mod.ts";
import type { Model, Session } from "../../lib/model/mod.ts";
import type { Progress } from "../demo/progress.ts";
import type { EvaluateArguments } from "./arguments.ts";
import type { PlannedTask } from "./questions.ts";

/** A file of answers and what it belongs to. */
export interface AnswerSet {
  readonly path: string;
  readonly method: MethodName;
  readonly task: string;
  readonly length?: number;
}

/** Something that could not be answered or used. */
export interface Failure {
  readonly method?: MethodName;
  readonly task: string;
  readonly question: string;
  readonly message: string;
}

/** What a run came to. */
export interface EvaluateRun {
  readonly answers: readonly AnswerSet[];
  readonly failures: readonly Failure[];
  /** Rows of data files that could not be used. */
  readonly faults: readonly RowFault[];
}

/** What is needed to run. */
export interface EvaluateContext {
  readonly model: Model;
  readonly progress: Pick<Progress, "update" | "clear">;
  readonly signal: AbortSignal;
  /** Most tokens of a prompt. */
  readonly mostTokens: number;
}

/** A model's name in files: its last part. */
export function shortName(model: string): string {
  return model.replace(/[/\\]+$/, "").split(/[/\\]/).at(-1)!.replace(/[^\w.-]/g, "_") || "model";
}

/** A method's knobs. Full attention is meant to pass the trained context: that it fails there is what is shown. */
export function knobsOf(method: MethodName, { knobs }: EvaluateArguments): Partial<Knobs> {
  return { ...(method === "full" && { allowBeyondTrained: true }), ...knobs };
}

function subjectOf(model: Model, method: MethodName, asked: EvaluateArguments): RunSubject<Session> {
  const knobs = knobsOf(method, asked);
  return {
    createSession: () => model.createSession({ method, knobs }),
    tokenizer: model.tokenizer,
    name: `${shortName(asked.model)}-${method}`,
    readsQuestionApart: method === "reattention-window" || knobs.prefill === "window",
  };
}

function limited({ questions, ...rest }: LoadedTask, { limit, maxNew }: EvaluateArguments): LoadedTask {
  const some = questions.slice(0, limit);
  return {
    ...rest,
    questions: maxNew === undefined ? some : some.map((question) => ({ ...question, maxTokens: maxNew })),
  };
}

function pathOf(asked: EvaluateArguments, subject: { name: string }, question: Question, length?: number): string {
  const evaluation = String(question.about.evaluation ?? "exam");
  const path = predictionPath(question, subject.name, { evaluation, length });
  // Of tasks that are made at several lengths, each length is a folder of its own; RULER's paths have it already.
  const inside = length === undefined || question.benchmark === "ruler" ? "" : `${length}/`;
  return `${asked.out}/${inside}${path}`;
}

/** Asks each method all tasks; what earlier runs answered is not asked again. */
export async function runEvaluation(
  asked: EvaluateArguments,
  tasks: readonly PlannedTask[],
  { model, progress, signal, mostTokens }: EvaluateContext,
): Promise<EvaluateRun> {
  const answers: AnswerSet[] = [];
  const failures: Failure[] = [];
  const faults: RowFault[] = [];
  const steps = tasks.length * asked.methods.length;
  for (const [number, planned] of tasks.entries()) {
    const { questions, faults: own, task } = limited(await planned.load(), asked);
    faults.push(...own);
    if (questions.length === 0) continue;
    for (const [turn, method] of asked.methods.entries()) {
      const subject = subjectOf(model, method, asked);
      const path = pathOf(asked, subject, questions[0], planned.length);
      using file = await AnswerFile.open(path);
      let done = questions.filter(({ id }) => file.has(id)).length;
      const label = `${task}${planned.length ? ` at ${planned.length}` : ""}, ${method}`;
      const tell = (detail: string, part = 0) => {
        const share = (number * asked.methods.length + turn + (done + part) / questions.length) / steps;
        progress.update(share, label, detail);
      };
      await runQuestions(subject, questions, file, {
        mostTokens,
        chat: asked.chat,
        signal,
        onQuestion: () => tell(`question ${done + 1} of ${questions.length}`),
        onProgress: (read, total) => tell(`question ${done + 1} of ${questions.length}, reading`, 0.9 * read / total),
        onAnswer: () => {
          done++;
        },
        onFailure: ({ question, message }) => {
          done++;
          failures.push({ method, task, question: question.id, message });
        },
      });
      if (file.size > 0) answers.push({ path, method, task, length: planned.length });
    }
  }
  progress.clear();
  return { answers, failures, faults };
}
