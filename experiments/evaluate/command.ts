import { EvaluateArgumentsError } from "./arguments_error.ts";
import { type EvaluateArguments, parseEvaluateArguments } from "./arguments.ts";

/** What can be done with an evaluation that a cluster answers; `work` is what each of its tasks does. */
const actions = ["status", "cancel", "resume", "collect", "work"] as const;

/** What `deno task evaluate` was asked for. */
export type EvaluateCommand =
  | { readonly help: boolean; readonly action: "evaluate" | "answer"; readonly asked: EvaluateArguments }
  | {
    readonly help: false;
    readonly action: typeof actions[number];
    /** The folder of answers. */
    readonly out: string;
    /** For work: the part to answer. */
    readonly part: number;
    /** Asks questions again that failed. */
    readonly retryFailed: boolean;
  };

/**
 * Reads the command line: an evaluation, or an action and a folder.
 *
 * @throws {EvaluateArgumentsError} saying what is wrong.
 */
export function parseEvaluateCommand(args: readonly string[]): EvaluateCommand {
  const [first, ...rest] = args;
  const action = actions.find((name) => name === first);
  if (action === undefined || rest.includes("--help")) {
    // What the workers of --executor local do: they answer, and leave the scoring to who started them.
    const answers = first === "answer";
    const asked = parseEvaluateArguments(
      answers || action ? rest.filter((word) => !action || word === "--help") : args,
    );
    return { help: asked.help, action: answers ? "answer" : "evaluate", asked };
  }
  const retryFailed = rest.includes("--retry-failed");
  const words = rest.filter((word) => word !== "--retry-failed");
  const option = words.find((word) => word.startsWith("-"));
  if (option !== undefined) throw new EvaluateArgumentsError(`${option} doesn't go with ${action}`);
  if (retryFailed && action !== "resume" && action !== "work") {
    throw new EvaluateArgumentsError(`--retry-failed doesn't go with ${action}`);
  }
  const [out, part, ...more] = words;
  if (out === undefined) throw new EvaluateArgumentsError(`${action} what? deno task evaluate ${action} FOLDER`);
  if (action === "work" ? !/^\d{1,6}$/.test(part ?? "") : part !== undefined) {
    const found = JSON.stringify(part ?? "");
    throw new EvaluateArgumentsError(
      action === "work" ? `work: ${found} must be the number of a part` : `one folder at a time: ${found} is too many`,
    );
  }
  if (more.length > 0) throw new EvaluateArgumentsError(`work: ${JSON.stringify(more[0])} is too many`);
  return { help: false, action, out: out.replace(/(.)\/+$/, "$1"), part: Number(part ?? 0), retryFailed };
}
