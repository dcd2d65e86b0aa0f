import { parseArgs } from "node:util";

/** What the command was asked for. */
export interface ScoreArguments {
  /** Prints the usage and nothing else. */
  readonly help: boolean;
  /** Whether the files hold lines to check, not predictions. */
  readonly check: boolean;
  /** Files; of predictions also folders. */
  readonly paths: readonly string[];
  /** Whose rules hold. */
  readonly rules: "official" | "opencompass";
  /** Folder of OpenCompass's repository, whose patterns find the letters of InfiniteBench's choices. */
  readonly opencompass?: string;
  /** Where the scores go as JSON; undefined: nowhere. */
  readonly json?: string;
}

/** Arguments that can't be: the message says which and what would be right. */
export class ScoreArgumentsError extends Error {
  /** The error's name. */
  override readonly name = "ScoreArgumentsError";
}

/** What the command takes. */
export const USAGE: string = `usage: deno task score PREDICTIONS... [options]
       deno task score --check FILE.jsonl...

Scores files of predictions in the official layouts, or all of them in a folder:
  LongBench      pred/MODEL/TASK.jsonl (LongBench-E: pred_e/MODEL/TASK.jsonl)
  L-Eval         Predictions/.../MODEL/TASK.pred.jsonl
  InfiniteBench  results/MODEL/preds_TASK.jsonl
  RULER          MODEL/synthetic/LENGTH/pred/TASK.jsonl
  needles        rows with "prediction" and "gold" (needle*keyword, as NeedleBench has it)
A line that can't be scored is named with its file and number and left out; the command then ends with 1.

  --check          the files hold scores of the official scorers, one answer a line: computes each anew, prints those
                   that disagree by more than 1e-6, and ends with 1 if any does
  --rules NAME     official, or opencompass where OpenCompass scores otherwise (default official)
  --opencompass FOLDER   OpenCompass's repository: its patterns find the letters of InfiniteBench's choices by its rules
  --json FILE      also writes the scores as JSON
  --help           prints this`;

/**
 * Reads the command's arguments.
 *
 * @throws {ScoreArgumentsError} saying what is wrong.
 */
export function parseScoreArguments(args: readonly string[]): ScoreArguments {
  const { values, positionals } = split(args);
  const { help = false, check = false, rules = "official", json, opencompass } = values;
  if (rules !== "official" && rules !== "opencompass") {
    throw new ScoreArgumentsError(`--rules "${rules}" must be official or opencompass`);
  }
  if (json === "") throw new ScoreArgumentsError("--json must name a file, not be empty");
  if (!help && positionals.length === 0) {
    throw new ScoreArgumentsError(check ? "name at least one file to check" : "name a file or folder of predictions");
  }
  if (opencompass === "") throw new ScoreArgumentsError("--opencompass must name a folder, not be empty");
  return { help, check, paths: positionals, rules, opencompass, ...(json !== undefined && { json }) };
}

function split(args: readonly string[]) {
  const options = {
    help: { type: "boolean" },
    check: { type: "boolean" },
    rules: { type: "string" },
    json: { type: "string" },
    opencompass: { type: "string" },
  } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new ScoreArgumentsError((error as Error).message);
  }
}
