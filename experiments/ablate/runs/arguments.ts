import { parseArgs } from "node:util";
import { ArgumentsError } from "../arguments_error.ts";
import { type ExecutorChoice, executorChoice, executorOptions } from "../executors/choice.ts";

/** What can be done with a run. */
const runActions = ["status", "cancel", "resume", "collect", "work"] as const;

/** One of them. */
export type RunAction = typeof runActions[number];

/** What was asked of a run. */
export interface RunArguments {
  /** What to do. */
  readonly action: RunAction;
  /** The run's folder. */
  readonly path: string;
  /** For work: the tasks to run; undefined where they come from standard input. */
  readonly tasks?: readonly number[];
  /** Another SQLite file than the plan's. */
  readonly out?: string;
  /** Collects into a file of another spec. */
  readonly extend: boolean;
  /** Runs failed trials again. */
  readonly retryFailed: boolean;
  /** Who runs it from now on, where that is another than the plan's. */
  readonly choice?: ExecutorChoice;
}

/** Whether arguments begin with what to do with a run. */
export function isRunAction(word: string | undefined): word is RunAction {
  return runActions.includes(word as RunAction);
}

/** A run by its folder, or by its name where runs are kept. */
export function runPath(name: string): string {
  return name.includes("/") ? name.replace(/(.)\/+$/, "$1") : `results/runs/${name}`;
}

const options = {
  out: { type: "string" },
  extend: { type: "boolean" },
  "retry-failed": { type: "boolean" },
  "from-stdin": { type: "boolean" },
  ...executorOptions,
} as const;

/** Which options go with what. */
const ALLOWED: Record<RunAction, readonly string[]> = {
  status: [],
  cancel: [],
  resume: [
    "retry-failed",
    "out",
    "extend",
    ...Object.keys(executorOptions).filter((name) => !/^(run|tasks|keep-readings)$/.test(name)),
  ],
  collect: ["out", "extend"],
  work: ["retry-failed", "from-stdin"],
};

/**
 * Reads what is asked of a run.
 *
 * @throws {ArgumentsError} saying what is wrong.
 */
export function parseRunArguments([action, ...args]: readonly [RunAction, ...string[]]): RunArguments {
  const { values, positionals: [name, ...rest] } = split(args);
  if (name === undefined) throw new ArgumentsError(`${action} which run? deno task ablate ${action} RUN`);
  const wrong = Object.keys(values).find((option) => !ALLOWED[action].includes(option));
  if (wrong) throw new ArgumentsError(`--${wrong} doesn't go with ${action}`);
  if (values.out === "") throw new ArgumentsError("--out must name a file, not be empty");
  const handed = values["from-stdin"] ?? false;
  const taskWord = rest.find((word) => !/^\d{1,6}$/.test(word));
  if (action !== "work" && rest.length > 0) {
    throw new ArgumentsError(`one run at a time: ${name} and ${rest[0]} were given`);
  }
  if (taskWord !== undefined) throw new ArgumentsError(`work: ${JSON.stringify(taskWord)} must be a task's number`);
  if (action === "work" && handed === rest.length > 0) {
    throw new ArgumentsError("work: give the numbers of tasks, or --from-stdin");
  }
  const choice = executorChoice(values);
  return {
    action,
    path: runPath(name),
    extend: values.extend ?? false,
    retryFailed: values["retry-failed"] ?? false,
    ...(rest.length > 0 && { tasks: rest.map(Number) }),
    ...(values.out !== undefined && { out: values.out }),
    ...(choice && { choice }),
  };
}

function split(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new ArgumentsError((error as Error).message);
  }
}
