import type { Knobs, MethodName } from "../../lib/attention/mod.ts";
import {
  type AnswerKeeper,
  AnswerStore,
  type LoadedTask,
  predictionPath,
  type Question,
  type RowFault,
  runQuestions,
  type RunSubject,
} from "../../lib/evaluation/mod.ts";
import type { Model, Session } from "../../lib/model/mod.ts";
import type { Progress } from "../command/progress.ts";
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
  /** Opens what keeps the answers. Default: the store of the folder that was asked for. */
  readonly open?: () => Promise<AnswerKeeper>;
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

/** Where predictions go, inside the folder of all answers. */
function fileOf(subject: { name: string }, question: Question, length?: number): string {
  const evaluation = String(question.about.evaluation ?? "exam");
  const path = predictionPath(question, subject.name, { evaluation, length });
  // Of tasks that are made at several lengths, each length is a folder of its own; RULER's paths have it already.
  const inside = length === undefined || question.benchmark === "ruler" ? "" : `${length}/`;
  return `${inside}${path}`;
}

const BEAT = 15_000;
const POLL = 500;

/**
 * Asks each method all tasks; what earlier runs answered is not asked again. Other processes that work on the same folder
 * share the questions; the last ones are waited for.
 */
export async function runEvaluation(
  asked: EvaluateArguments,
  tasks: readonly PlannedTask[],
  context: EvaluateContext,
): Promise<EvaluateRun> {
  using store = await (context.open?.() ?? AnswerStore.open(asked.out));
  if (asked.retryFailed) store.retryFailed();
  const beat = setInterval(() => store.beat(), BEAT);
  try {
    for (;;) {
      const { files, ...run } = await askAll(asked, tasks, store, context);
      let shared = false;
      while (store.heldByOthers(files) > 0) {
        shared = true;
        context.progress.update(1, "waiting", "another process answers the last questions");
        await pause(context.signal);
      }
      // What another process left unanswered is asked in a further round.
      if (!shared) return run;
    }
  } finally {
    clearInterval(beat);
    context.progress.clear();
  }
}

async function askAll(
  asked: EvaluateArguments,
  tasks: readonly PlannedTask[],
  store: AnswerKeeper,
  { model, progress, signal, mostTokens }: EvaluateContext,
): Promise<EvaluateRun & { files: string[] }> {
  const run = {
    answers: [] as AnswerSet[],
    failures: [] as Failure[],
    faults: [] as RowFault[],
    files: [] as string[],
  };
  const steps = tasks.length * asked.methods.length;
  for (const [number, planned] of tasks.entries()) {
    const { questions, faults, task } = limited(await planned.load(), asked);
    run.faults.push(...faults);
    if (questions.length === 0) continue;
    for (const [turn, method] of asked.methods.entries()) {
      const subject = subjectOf(model, method, asked);
      const file = fileOf(subject, questions[0], planned.length);
      const set = await store.set(file, questions);
      run.files.push(file);
      const label = `${task}${planned.length ? ` at ${planned.length}` : ""}, ${method}`;
      const tell = (part: number, reading = "") => {
        const { done, failed } = set.counts();
        const share = Math.min(1, (done + failed + part) / questions.length);
        const detail = `question ${done + failed + 1} of ${questions.length}${reading}`;
        progress.update((number * asked.methods.length + turn + share) / steps, label, detail);
      };
      try {
        await runQuestions(subject, questions, set, {
          mostTokens,
          chat: asked.chat,
          signal,
          onQuestion: () => tell(0),
          onProgress: (read, total) => tell(0.9 * read / total, ", reading"),
        });
      } finally {
        await set.writePredictions();
      }
      for (const { id, message } of set.failures()) run.failures.push({ method, task, question: id, message });
      if (set.counts().done > 0) run.answers.push({ path: set.path, method, task, length: planned.length });
    }
  }
  return run;
}

function pause(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (act: () => void) => () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      act();
    };
    const stop = end(() => reject(signal.reason));
    const timer = setTimeout(end(resolve), POLL);
    signal.addEventListener("abort", stop);
  });
}
