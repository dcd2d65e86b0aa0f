import { pythonValueAt } from "../data/python_literals.ts";

/** What of L-Eval's prompts is in its own scripts. */
export interface LEvalPrompts {
  /** What stands around a system prompt and a message. */
  readonly marks: { readonly system: readonly [string, string]; readonly message: readonly [string, string] };
  /** The system prompt for a task and kind of scoring. */
  readonly system: (task: string, metric: string) => string;
  /** The message of a closed task, with `{document}` and `{inst}`. */
  readonly closed: string;
  /** The message of an open task, with the same and the words of the reference as `{words}`. */
  readonly open: string;
  /** What follows a closed task's message. */
  readonly cue: string;
  /** What of sci_fi's question is replaced by what, to ask for the fact itself. */
  readonly asFact: readonly [string, string];
}

/** The text after an equals sign on the same line as a match. */
function textAfter(source: string, pattern: RegExp, what: string): string {
  const found = pattern.exec(source);
  const value = found && pythonValueAt(source, found.index + found[0].length);
  if (typeof value === "string") return value;
  throw new RangeError(`it does not say ${what} as expected`);
}

interface Rule {
  readonly asks: "file_name" | "args.metric" | undefined;
  readonly part: string;
  readonly prompt: string;
}

/** The branches of `get_sys_prompt`, in order: which name has to hold which part. */
function systemRules(source: string): Rule[] {
  const start = source.indexOf("def get_sys_prompt");
  if (start < 0) throw new RangeError("it has no get_sys_prompt");
  const body = source.slice(start);
  const branch = /(?:if|elif)\s+["']([^"']+)["']\s+in\s+(file_name|args\.metric)\s*:|\belse\s*:/g;
  return [...body.matchAll(branch)].map((found) => {
    const rest = body.slice(found.index);
    return {
      asks: found[2] as Rule["asks"],
      part: found[1] ?? "",
      prompt: textAfter(rest, /\w*prompt\s*=\s*/, "a system prompt in each branch"),
    };
  });
}

/** A pair of texts that two names are set to on one line. */
function pairOf(source: string, names: string): [string, string] {
  const found = new RegExp(`${names}\\s*=\\s*`).exec(source);
  if (!found) throw new RangeError(`it does not set ${names}`);
  const place = found.index + found[0].length;
  const line = source.slice(place).split("\n")[0];
  const pair = pythonValueAt(`(${line})`, 0);
  if (Array.isArray(pair) && pair.length === 2) return [String(pair[0]), String(pair[1])];
  throw new RangeError(`it does not set ${names} to two texts`);
}

/**
 * Takes L-Eval's prompts out of its own scripts; nothing of them is run.
 *
 * @param config text of Baselines/LEval_config.py
 * @param script text of Baselines/llama2-chat-test.py
 * @throws {RangeError} where a script does not look as expected, saying what was not found.
 */
export function levalPrompts(config: string, script: string): LEvalPrompts {
  const rules = systemRules(config);
  const messages = [...script.matchAll(/context\s*=\s*(?=["'])/g)]
    .map((found) => pythonValueAt(script, found.index + found[0].length))
    .filter((text): text is string => typeof text === "string" && text.includes("{document}"));
  const open = messages.find((text) => /\{len\(\w+\.split\(\)\)\}/.test(text));
  const closed = messages.find((text) => text !== open);
  if (closed === undefined || open === undefined) throw new RangeError("it does not write the messages as expected");
  return {
    marks: { system: pairOf(script, "B_SYS, E_SYS"), message: pairOf(script, "B_INST, E_INST") },
    closed,
    open: open.replace(/\{len\(\w+\.split\(\)\)\}/, "{words}"),
    asFact: pairAt(script, /inst\.replace/, "how sci_fi asks for a fact"),
    cue: textAfter(script, /message\s*\+=\s*/, "what ends a closed task's message"),
    system: (task, metric) => {
      const rule = rules.find(({ asks, part }) => {
        return asks === undefined || (asks === "file_name" ? task : metric).includes(part);
      });
      return rule?.prompt ?? "";
    },
  };
}

/** The two texts in brackets after a match. */
function pairAt(source: string, pattern: RegExp, what: string): [string, string] {
  const found = pattern.exec(source);
  const pair = found && pythonValueAt(source, found.index + found[0].length);
  if (Array.isArray(pair) && pair.length === 2) return [String(pair[0]), String(pair[1])];
  throw new RangeError(`it does not say ${what} as expected`);
}

/** How a message is put together, by L-Eval's own layout for Llama 2 chat models. */
export function levalMessage(
  { marks, system, closed, open, cue }: LEvalPrompts,
  task: string,
  { document, instruction, words, isOpen }: { document: string; instruction: string; words: number; isOpen: boolean },
): string {
  const head = marks.message[0] + marks.system[0] + system(task, isOpen ? "ngram_eval" : "exam_eval") + marks.system[1];
  const fill = (template: string) =>
    template.replace(/\{(document|inst|words)\}/g, (_, name) => {
      return name === "document" ? document : name === "inst" ? instruction : String(words);
    });
  if (/gsm|codeU/.test(task)) return `${head}${document}\n\n${instruction}`;
  if (task.includes("topic")) return `${head}${document}\n\n${instruction}${marks.message[1]}`;
  if (!isOpen) return `${head}${fill(closed)}${marks.message[1]}${cue}`;
  return `${head}${fill(open)}${marks.message[1]}`;
}
