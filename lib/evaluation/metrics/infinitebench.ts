import { FloatNumber, type Reference } from "./float_number.ts";
import { parseFloatAsPython, parseInteger, strip, words } from "./python_text.ts";
import { rougeLsum } from "./rouge_score.ts";
import { characterF1, englishF1 } from "./token_f1.ts";

type Scorer = (prediction: string, references: readonly Reference[]) => number;

const isRight = (right: boolean) => right ? 1 : 0;
const texts = (references: readonly Reference[]) => references.map((reference) => String(reference));

function firstDigits(prediction: string, [label]: readonly Reference[]): number {
  return isRight((/[0-9]+/.exec(prediction)?.[0] ?? "") === label);
}

function plainWords(prediction: string): string[] {
  return words(prediction.replace(/[\n:"'.,?!{}]/g, " "));
}

function isLastNumber(prediction: string, [label]: readonly Reference[]): number {
  const last = words(prediction.replace(/[\n.`'":]/g, " ")).at(-1);
  return isRight(last !== undefined && isSameInteger(parseInteger(last), label));
}

function isSameInteger(found: bigint | undefined, label: Reference): boolean {
  const value = label instanceof FloatNumber ? label.value : label;
  return found !== undefined && typeof value === "number" && Number.isInteger(value) && found === BigInt(value);
}

/** What follows the first of several cues that is there, without the character right after it. */
function afterCue(text: string, cues: readonly string[]): string | undefined {
  const cue = cues.find((cue) => text.includes(cue));
  if (cue === undefined) return undefined;
  const characters = [...text.slice(text.indexOf(cue) + cue.length)];
  return characters.slice(1).join("");
}

function startsWithAny(text: string, labels: readonly string[]): number {
  return isRight(text !== "" && labels.some((label) => text.startsWith(label)));
}

function codeDebug(prediction: string, references: readonly Reference[]): number {
  const [name, letter] = texts(references);
  const text = strip(prediction);
  if ([`${letter}.`, `${letter}:`].includes([...text].slice(0, 2).join(""))) return 1;
  const plain = text.replace(/[\n`'"*-]|Option|option/g, " ").replace(/ {2,}/g, " ");
  const rest = afterCue(plain, ["answer is:", "is:", "answer:", "correct option is:"]);
  return rest === undefined ? 0 : startsWithAny(rest, [letter, name]);
}

function choice(prediction: string, references: readonly Reference[]): number {
  const labels = texts(references);
  const text = strip(prediction);
  if (text === "") return 0;
  if ("ABCD".includes(text[0])) return isRight(labels.includes(text[0]));
  if (labels.includes(text)) return 1;
  const plain = text.replace(/[\n"'.,?!{}]/g, " ").replace(/ {2,}/g, " ");
  const rest = afterCue(plain, ["answer is:", "answer:", "answer is", "option is"]);
  if (rest !== undefined) return startsWithAny(rest, labels);
  const letters = words(plain).find((word) => "ABCD".includes(word));
  return isRight(letters !== undefined && labels.includes(letters));
}

function firstNumber(prediction: string, [label]: readonly Reference[]): number {
  const found = /\p{Nd}+\.\p{Nd}+|\p{Nd}+/u.exec(prediction)?.[0];
  if (found === undefined) return 0;
  const isFloat = label instanceof FloatNumber || (typeof label === "number" && !Number.isInteger(label));
  if (!isFloat) return isRight(isSameInteger(parseInteger(found), label));
  return isRight(parseFloatAsPython(found) === (label instanceof FloatNumber ? label.value : label));
}

function valuesInARow(prediction: string, labels: readonly Reference[]): { matched: number; wanted: number } {
  const found = prediction.match(/[0-9]+/g) ?? [];
  const mismatch = labels.findIndex((label, index) => !isSameInteger(parseInteger(found[index] ?? ""), label));
  return { matched: mismatch < 0 ? labels.length : mismatch, wanted: labels.length };
}

function best(score: (prediction: string, reference: string) => number): Scorer {
  return (prediction, references) => {
    return Math.max(0, ...texts(references).map((reference) => score(prediction, reference)));
  };
}

const scorers: Readonly<Record<string, Scorer>> = {
  passkey: firstDigits,
  number_string: firstDigits,
  kv_retrieval: (prediction, [label]) => isRight(plainWords(prediction).includes(String(label))),
  longbook_sum_eng: best(rougeLsum),
  longbook_choice_eng: choice,
  longbook_qa_eng: best(englishF1),
  longbook_qa_chn: best(characterF1),
  longdialogue_qa_eng: (prediction, [label]) => {
    return isRight(plainWords(prediction).map((word) => word.toUpperCase()).includes(String(label)));
  },
  math_find: firstNumber,
  math_calc: (prediction, labels) => {
    const { matched, wanted } = valuesInARow(prediction, labels);
    return matched / wanted;
  },
  code_run: isLastNumber,
  code_debug: codeDebug,
};

/** The tasks of InfiniteBench: the official name, and what the paper calls it. */
export const infiniteBenchTasks: Readonly<Record<string, string>> = {
  passkey: "Retrieve.PassKey",
  number_string: "Retrieve.Number",
  kv_retrieval: "Retrieve.KV",
  longbook_sum_eng: "En.Sum",
  longbook_qa_eng: "En.QA",
  longbook_choice_eng: "En.MC",
  longdialogue_qa_eng: "En.Dia",
  longbook_qa_chn: "Zh.QA",
  code_debug: "Code.Debug",
  code_run: "Code.Run",
  math_calc: "Math.Calc",
  math_find: "Math.Find",
};

/**
 * InfiniteBench's score of one answer, from 0 to 1.
 *
 * @param task its official name, such as "longbook_qa_eng"
 * @param references the labels as the official scorer gets them; choice tasks: the option's text and its letter
 * @throws {RangeError} for a task that is none, or no reference.
 *
 * @example
 * ```ts
 * import { infiniteBenchScore } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(infiniteBenchScore("passkey", "The key is 48211.", ["48211"]), 1);
 * assertEquals(infiniteBenchScore("math_calc", "1, 4, 9", [1, 4, 8, 7]), 0.5);
 * ```
 */
export function infiniteBenchScore(task: string, prediction: string, references: readonly Reference[]): number {
  const scorer = Object.hasOwn(scorers, task) ? scorers[task] : undefined;
  if (!scorer) throw new RangeError(`InfiniteBench has no task "${task}"; it has ${Object.keys(scorers).join(", ")}`);
  if (references.length === 0) throw new RangeError(`${task}: there must be at least one reference`);
  return scorer(prediction, references);
}

/** OpenCompass's score of Math.Calc: the values in a row that are right, not divided by how many there are. */
export function openCompassMathCalc(prediction: string, labels: readonly Reference[]): number {
  return valuesInARow(prediction, labels).matched;
}
