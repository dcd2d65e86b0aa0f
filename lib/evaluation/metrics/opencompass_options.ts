import { readText } from "../../platform.ts";
import type { Release } from "../data/release.ts";
import type { Reference } from "./float_number.ts";

/** Finds which of some letters a text chooses; an empty text where it finds none. */
export type OptionFinder = (text: string, options: string) => string;

/** How a list of patterns is applied. */
interface Patterns {
  readonly sources: readonly string[];
  /** Whether a dot takes line ends too. */
  readonly dotAll: boolean;
  /** Whether what the first group took counts, and not the whole match. */
  readonly groups: boolean;
}

const NAME = "first_option_postprocess";

/**
 * OpenCompass's way to find a chosen letter, which its InfiniteBench scores choices by: a list of patterns of which the first
 * that matches counts. The list differs between its versions, so it is read from its own file,
 * opencompass/utils/text_postprocessors.py; nothing is run.
 *
 * @returns undefined where the folders don't hold that file
 * @throws {RangeError} for a file that looks otherwise than expected.
 *
 * @example
 * ```ts
 * import { openCompassOptionFinder, Release } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const none = await openCompassOptionFinder(await Release.open(folder));
 * const patterns = "  patterns = [\n    f'[{options}]',\n  ]";
 * const source = `def first_option_postprocess(text, options):\n${patterns}\n\ndef another(text):\n`;
 * await Deno.mkdir(`${folder}/utils`);
 * await Deno.writeTextFile(`${folder}/utils/text_postprocessors.py`, source);
 * const find = await openCompassOptionFinder(await Release.open(folder));
 * await Deno.remove(folder, { recursive: true });
 * assertEquals([none, find?.("It is B.", "ABCD")], [undefined, "B"]);
 * ```
 */
export async function openCompassOptionFinder(release: Release): Promise<OptionFinder | undefined> {
  const [path] = release.find("opencompass/utils/text_postprocessors.py", "utils/text_postprocessors.py");
  return path === undefined ? undefined : optionFinder(await readText(path), path);
}

/**
 * The same from the file's text.
 *
 * @param file what to call it in messages
 *
 * @example
 * ```ts
 * import { optionFinder } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const source = String.raw`def first_option_postprocess(text: str, options: str) -> str:
 *     patterns = [
 *         f'answer is ([{options}])',
 *         f'[{options}]',
 *     ]
 *
 * def another(text: str) -> str:
 * `;
 * const find = optionFinder(source, "text_postprocessors.py");
 * assertEquals([find("Not A: the answer is C", "ABCD"), find("D", "ABCD"), find("none", "ABCD")], ["C", "D", ""]);
 * ```
 */
export function optionFinder(source: string, file: string): OptionFinder {
  const patterns = patternsIn(source, file);
  const compiled = new Map<string, readonly RegExp[]>();
  return (text, options) => {
    const known = compiled.get(options) ??
      patterns.sources.map((pattern) => javaScriptPattern(pattern, options, patterns, file));
    compiled.set(options, known);
    for (const pattern of known) {
      const found = pattern.exec(text);
      if (!found) continue;
      const said = (patterns.groups && found[1]) || found[0];
      const chosen = [...options].find((option) => said.includes(option));
      if (chosen) return chosen;
    }
    return "";
  };
}

/** Tasks of InfiniteBench that OpenCompass scores by the chosen letter; Code.Run's numbers too, which so are never right. */
const LETTER_TASKS: readonly string[] = ["longbook_choice_eng", "code_debug", "code_run"];

/** OpenCompass's score of a task's answer by its letter; undefined for tasks that it scores otherwise. */
export function openCompassLetterScore(
  task: string,
  prediction: string,
  references: readonly Reference[],
  find: OptionFinder,
): number | undefined {
  if (!LETTER_TASKS.includes(task)) return undefined;
  return find(prediction, "ABCD") === String(references.at(-1)) ? 1 : 0;
}

function patternsIn(source: string, file: string): Patterns {
  const [, after = ""] = source.split(new RegExp(`^def ${NAME}\\(`, "m"));
  // To the next definition, or the file's end.
  const [body] = after.split(/^(?:def|@)/m);
  const lists = [...body.matchAll(/^\s+(?:cushion_)?patterns\s*=\s*\[\n([\s\S]*?)^\s+\]/gm)];
  const sources = lists.flatMap(([, list]) => textsIn(list));
  if (sources.length === 0) throw new RangeError(`${file}: it does not list the patterns of ${NAME} as expected`);
  return { sources, dotAll: body.includes("re.DOTALL"), groups: body.includes("match.group(1)") };
}

/** The texts of a list, one a line; those without a comma between are one. */
function textsIn(list: string): string[] {
  const texts: string[] = [];
  let open = false;
  for (const line of list.split("\n")) {
    const found = /^\s*[rf]{1,2}(['"])(.*)\1\s*(,?)\s*(?:#.*)?$/.exec(line);
    if (!found) continue;
    texts.push(open ? texts.pop()! + found[2] : found[2]);
    open = found[3] === "";
  }
  return texts;
}

/** A Python pattern as one of JavaScript. */
function javaScriptPattern(source: string, options: string, { dotAll }: Patterns, file: string): RegExp {
  const [, ignoresCase, pattern] = /^(\(\?i\))?([\s\S]*)$/.exec(
    source.replace(/\{\{|\}\}|\{options\}/g, (part) => part === "{options}" ? options : part[0]),
  )!;
  try {
    return new RegExp(pythonEnds(pattern), (dotAll ? "s" : "") + (ignoresCase ? "i" : ""));
  } catch (error) {
    throw new RangeError(`${file}: pattern ${JSON.stringify(source)} can't be read: ${(error as Error).message}`);
  }
}

/** In Python a dollar sign outside brackets also matches before a last line end. */
function pythonEnds(pattern: string): string {
  return pattern.replace(
    /\\[\s\S]|\[(?:\\[\s\S]|[^\]\\])*\]|\$/g,
    (part) => part === "$" ? "(?=\\n?(?![\\s\\S]))" : part,
  );
}
