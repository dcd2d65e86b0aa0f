import { parseArgs } from "node:util";
import { type AxisValue, parseAxisText } from "../../lib/evaluation/mod.ts";
import { ArgumentsError } from "./arguments_error.ts";
import { countOf } from "../executors/executor_flags.ts";
import { type ExecutorChoice, executorChoice, executorOptions } from "./executors/choice.ts";
import { runPath } from "./runs/arguments.ts";

export { ArgumentsError };

/** What the command was asked for. */
export interface AblateArguments {
  /** Prints the usage and nothing else. */
  help: boolean;
  /** Prints the JSON Schema of spec files and nothing else. */
  schema: boolean;
  /** The spec's file; undefined: flags only. */
  specPath?: string;
  /** What the flags say, over what the file says. */
  changes: Record<string, unknown>;
  /** The sweep's SQLite file; undefined: results/NAME.db. */
  out?: string;
  /** Prints the grid and an estimate, runs nothing. */
  dryRun: boolean;
  /** Lets failed trials run again. */
  retryFailed: boolean;
  /** Adds to a file of another spec. */
  extend: boolean;
  /** Who runs the trials, in tasks; undefined: this process. */
  choice?: ExecutorChoice;
  /** The run's folder; undefined: results/runs/NAME. */
  run?: string;
  /** A folder of each machine where readings are kept for its processes. */
  readings?: string;
  /** How many tasks. */
  tasks?: number;
}

/** What the command takes. */
export const USAGE = `usage: deno task ablate SPEC [options]
       deno task ablate --sweep k=1,2,4,8 [--sweep chunkSize=64,128 ...] [options]
       deno task ablate status|cancel|resume|collect RUN

Runs a sweep over knobs, methods and lengths. SPEC is a JSON, JSONC or YAML file (--schema prints its schema); flags stand
instead of it or go before it. Results go to one SQLite file; the same command again goes on where the last one stopped,
and several processes may share one file. "deno task report FILE.db" makes a page of it.

  --sweep NAME=VALUES   a knob, or an option of the task as task.NAME: 1,2,4 or 0..9; each combination runs
  --set NAME=VALUE      a knob of all settings, or task.NAME
  --task NAME           the task (default needle)
  --method NAME,...     attention methods (default reattention)
  --lengths N,...       tokens of a context with question and answer (default 2048)
  --seeds A..B | N,...  contexts: one for each seed, the same for all settings (default 0..9)
  --model NAME,...      demo, a folder or URL, or organization/name on the hub (default demo); the report shows each of
                        several, such as training seeds of one model, and all of them pooled
  --preset NAME         knobs to start from: demo or paper
  --exclude CONDITION   leaves settings out, such as "chunkSize > window - 64"
  --sample KIND:COUNT   random:20 or sobol:20 settings of the grid instead of all (random:20:SEED)
  --name NAME           name of the sweep, for files and headings
  --keep-traces         keeps what each trial's first question selected; the report draws it
  --out FILE.db         where results are kept (default results/NAME.db)
  --dry-run             prints the grid, the count, and an estimate of time and memory, and runs nothing
  --retry-failed        runs failed trials again
  --extend              adds to a file that holds another spec; finished trials stay
  --schema              prints the JSON Schema of spec files
  --help                prints this

Sweeps for several processes or machines (docs/clusters.md): trials are dealt to tasks, in a folder that all of them see.

  --executor local:N    N processes of this machine (local: one for each of several like graphics cards)
  --executor slurm      a Slurm job array; this command ends once it is submitted
  --tasks N             how many tasks (default: four for each that run at once)
  --run NAME            the run's folder (default results/runs/NAME)
  --keep-readings DIR   saves each context once read, for other tasks of the machine; DIR is best on its own disk
  --limit N             Slurm: most tasks that run at once
  --partition, --gres, --time, --account VALUE
                        Slurm: as sbatch takes them
  --sbatch OPTION       Slurm: any other option of sbatch, such as --sbatch=--qos=high; may be repeated

  status RUN            how far it is
  cancel RUN            stops it; what ended is kept
  resume RUN            runs what is missing and nobody runs; --executor and Slurm's options may be other ones
  collect RUN           brings what ended so far into the sweep's SQLite file; --out FILE.db for another`;

const text = { type: "string" } as const;
const list = { type: "string", multiple: true } as const;
const flag = { type: "boolean" } as const;
const options = {
  help: flag,
  schema: flag,
  sweep: list,
  set: list,
  task: text,
  method: list,
  methods: list,
  lengths: list,
  seeds: list,
  model: list,
  models: list,
  preset: text,
  exclude: list,
  sample: text,
  name: text,
  "keep-traces": flag,
  out: text,
  "dry-run": flag,
  "retry-failed": flag,
  extend: flag,
  ...executorOptions,
} as const;

/**
 * Reads the command's arguments.
 *
 * @throws {ArgumentsError} saying what is wrong.
 */
export function parseAblateArguments(args: readonly string[]): AblateArguments {
  const { values, positionals } = split(args);
  if (positionals.length > 1) {
    throw new ArgumentsError(`one spec at a time: ${positionals.join(" and ")} were given`);
  }
  const changes: Record<string, unknown> = {};
  const put = (name: string, value: unknown) => {
    if (value !== undefined) changes[name] = value;
  };
  const { set, parameters } = assignments(values.set ?? []);
  if (values.task !== undefined || Object.keys(parameters).length > 0) {
    put("task", { ...(values.task !== undefined && { name: values.task }), ...parameters });
  }
  if (values.sweep) put("sweep", Object.fromEntries(values.sweep.map((one) => assignment("--sweep", one))));
  if (Object.keys(set).length > 0) put("set", set);
  put("models", flat(values.models ?? values.model));
  put("methods", flat(values.methods ?? values.method));
  put("lengths", numbers("--lengths", flat(values.lengths)));
  put("seeds", numbers("--seeds", flat(values.seeds)));
  for (const name of ["preset", "name", "exclude"] as const) put(name, values[name]);
  put("sample", sample(values.sample));
  if (values["keep-traces"]) put("traces", true);
  const [specPath] = positionals;
  const nothing = specPath === undefined && Object.keys(changes).length === 0;
  if (nothing && !values.help && !values.schema) throw new ArgumentsError("give a spec file or --sweep");
  const choice = executorChoice(values);
  const tasks = countOf("--tasks", values.tasks, ArgumentsError);
  for (const name of ["run", "tasks", "keep-readings"] as const) {
    if (values[name] !== undefined && !choice) throw new ArgumentsError(`--${name} goes with --executor`);
  }
  if (choice && (values["retry-failed"] || values.extend)) {
    throw new ArgumentsError("--retry-failed and --extend go with resume RUN once there is a run");
  }
  if (values.out === "") throw new ArgumentsError("--out must name a file, not be empty");
  return {
    help: values.help ?? false,
    schema: values.schema ?? false,
    changes,
    dryRun: values["dry-run"] ?? false,
    retryFailed: values["retry-failed"] ?? false,
    extend: values.extend ?? false,
    ...(specPath !== undefined && { specPath }),
    ...(values.out !== undefined && { out: values.out }),
    ...(choice && { choice }),
    ...(tasks !== undefined && { tasks }),
    ...(values["keep-readings"] && { readings: values["keep-readings"] }),
    ...(values.run !== undefined && { run: runPath(values.run) }),
  };
}

function split(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new ArgumentsError((error as Error).message);
  }
}

function flat(texts: readonly string[] | undefined): string[] | undefined {
  return texts?.flatMap((text) => text.split(",")).map((part) => part.trim());
}

function numbers(name: string, texts: readonly string[] | undefined): AxisValue[] | undefined {
  return texts?.flatMap((part) => valuesOf(name, part));
}

function valuesOf(name: string, text: string): AxisValue[] {
  try {
    return parseAxisText(text);
  } catch (error) {
    throw new ArgumentsError(`${name} ${(error as Error).message}`);
  }
}

function assignment(flag: string, text: string): [name: string, values: AxisValue[]] {
  const at = text.indexOf("=");
  if (at < 1) throw new ArgumentsError(`${flag} "${text}" must be NAME=VALUE, such as ${flag} k=4`);
  return [text.slice(0, at).trim(), valuesOf(`${flag} ${text.slice(0, at)}:`, text.slice(at + 1))];
}

function assignments(texts: readonly string[]) {
  const set: Record<string, AxisValue> = {};
  const parameters: Record<string, AxisValue> = {};
  for (const one of texts) {
    const [name, values] = assignment("--set", one);
    if (values.length !== 1) throw new ArgumentsError(`--set "${one}" must give one value; --sweep takes several`);
    if (name.startsWith("task.")) parameters[name.slice("task.".length)] = values[0];
    else set[name] = values[0];
  }
  return { set, parameters };
}

function sample(text: string | undefined) {
  if (text === undefined) return undefined;
  const [, kind, count, , seed] = /^(random|sobol):(\d+)(:(\d+))?$/.exec(text) ?? [];
  if (!kind) throw new ArgumentsError(`--sample "${text}" must be random:COUNT, random:COUNT:SEED or sobol:COUNT`);
  return { kind, count: Number(count), ...(seed !== undefined && { seed: Number(seed) }) };
}
