import { judgement, judgements, letterTasks, plainCode, predictedCode } from "./leval_extraction.ts";
import { predictedLetters, referenceLetters, workedNumber } from "./leval_extraction.ts";
import { normalizeCased } from "./normalize.ts";
import { parseFloatAsPython, roundAsPython } from "./python_text.ts";
import { rougeL, rougeN } from "./rouge_score.ts";
import { englishF1 } from "./token_f1.ts";
import { meanOf } from "../statistics.ts";

/** How L-Eval scores a row: by its field `evaluation`. */
export type LEvalMetric = "exam" | "f1" | "rouge";

/** L-Eval's closed-ended tasks: the official name, and what its tables call it. */
export const levalClosedTasks: Readonly<Record<string, string>> = {
  coursera: "Coursera",
  gsm100: "GSM",
  quality: "QuALITY",
  tpo: "TOEFL",
  codeU: "CodeU",
  sci_fi: "SFiction",
  topic_retrieval_longchat: "TopicRet",
};

/** A score with what it was made of. */
export interface LEvalScore {
  /** From 0 to 1; `rouge`: from 0 to 100. */
  readonly score: number;
  /** What was compared. */
  readonly details: Readonly<Record<string, unknown>>;
}

/**
 * The official exact match, from 0 to 1: letters in part, numbers by value, other texts by containing the reference.
 *
 * @example
 * ```ts
 * import { levalExactMatch } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(levalExactMatch("The answer is 42.", "42"), 1);
 * ```
 */
export function levalExactMatch(prediction: string, reference: string): number {
  const expected = normalizeCased(reference);
  if (/^[A-D]*$/.test(expected)) {
    const given = normalizeCased(prediction);
    if (given === expected) return 1;
    return [...given].every((letter) => expected.includes(letter)) ? 0.25 : 0;
  }
  const [a, b] = [parseFloatAsPython(prediction), parseFloatAsPython(reference)];
  if (a !== undefined && b !== undefined) return a === b ? 1 : 0;
  // The official script goes on with the first line of more than one character.
  const line = prediction.split("\n").find((line) => [...line].length > 1) ?? prediction;
  const plain = (text: string) => text.toLowerCase().replaceAll(" ", "");
  return plain(line).includes(plain(reference)) ? 1 : 0;
}

function matched(prediction: string, reference: string): LEvalScore {
  const details = { processed_prediction: prediction, processed_reference: reference };
  return { score: levalExactMatch(prediction, reference), details };
}

function judged(prediction: string, reference: string): LEvalScore {
  const expected = judgements(reference);
  if (!expected) throw new RangeError(`sci_fi: the reference ${JSON.stringify(reference)} must hold "[fact:"`);
  const given = judgements(prediction)?.map(judgement) ?? ["<error>", "<error>"];
  const [loyalty, fact] = expected.map((right, index) => levalExactMatch(given[index], right));
  const details = { loyalty_score: loyalty, fact_score: fact, processed_prediction: given };
  return { score: (loyalty + fact) / 2, details };
}

function exam(task: string, prediction: string, reference: string): LEvalScore {
  if (letterTasks.includes(task)) {
    return matched(predictedLetters(prediction, task === "coursera"), referenceLetters(reference));
  }
  switch (task) {
    case "gsm100":
      return matched(workedNumber(prediction), workedNumber(reference));
    case "codeU":
      return matched(predictedCode(prediction, reference), plainCode(reference));
    case "sci_fi":
      return judged(prediction, reference);
    default:
      return matched(prediction, reference);
  }
}

function rouge(prediction: string, references: readonly string[]): LEvalScore {
  const best = (score: (reference: string) => number) => 100 * Math.max(0, ...references.map(score));
  const rouge1 = best((reference) => rougeN(prediction, reference, 1));
  const rouge2 = best((reference) => rougeN(prediction, reference, 2));
  const longest = best((reference) => rougeL(prediction, reference));
  const geometric = Math.cbrt(rouge1 * rouge2 * longest);
  return { score: longest, details: { rouge1, rouge2, rougeL: longest, geometric_mean: geometric } };
}

/**
 * L-Eval's official score of one answer. `rouge` gives ROUGE-L, with the other figures in the details; the official headline
 * is the geometric mean of the *dataset's* three figures, see {@linkcode levalMean}.
 *
 * @example
 * ```ts
 * import { levalScore } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(levalScore("exam", "coursera", "A. and C.", ["ABC"]).score, 0.25);
 * assertEquals(levalScore("exam", "gsm100", "The answer is $1,230.", ["1230"]).score, 1);
 * ```
 */
export function levalScore(
  metric: LEvalMetric,
  task: string,
  prediction: string,
  references: readonly string[],
): LEvalScore {
  if (references.length === 0) throw new RangeError(`${task}: there must be at least one reference`);
  if (metric === "rouge") return rouge(prediction, references);
  if (metric === "f1") {
    return { score: Math.max(...references.map((reference) => englishF1(prediction, reference))), details: {} };
  }
  return references.map((reference) => exam(task, prediction, reference)).reduce((a, b) => b.score > a.score ? b : a);
}

/** A task's score, and the parts that it is the mean of. */
export interface LEvalMean {
  /** In percent. */
  readonly score: number;
  /** topic_retrieval_longchat: by place of the question; sci_fi: by the document, and in fact. */
  readonly parts?: readonly number[];
}

/**
 * L-Eval's score of a task in percent, four decimals: the mean; in topic_retrieval_longchat the mean over the three places
 * of a question, in sci_fi of both judgements; with rouge the geometric mean of the three mean figures.
 *
 * @example
 * ```ts
 * import { levalMean, levalScore } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const scores = ["A", "B", "A"].map((answer) => levalScore("exam", "quality", answer, ["A"]));
 * assertEquals(levalMean("exam", "quality", scores), { score: 66.6667 });
 * // One question at each of three places.
 * assertEquals(levalMean("exam", "topic_retrieval_longchat", scores).parts, [100, 0, 100]);
 * ```
 */
export function levalMean(metric: LEvalMetric, task: string, scores: readonly LEvalScore[]): LEvalMean {
  const rounded = (part: readonly number[], scale = 100) => roundAsPython(scale * meanOf(part), 4);
  const detail = (name: string) => scores.map(({ details }) => details[name] as number);
  if (metric === "rouge") {
    const [a, b, c] = ["rouge1", "rouge2", "rougeL"].map((name) => meanOf(detail(name)));
    return { score: roundAsPython(Math.cbrt(a * b * c), 4), parts: [a, b, c].map((part) => roundAsPython(part, 4)) };
  }
  if (task === "topic_retrieval_longchat") {
    const places = [0, 1, 2].map((place) => scores.filter((_, index) => index % 3 === place));
    const parts = places.filter((place) => place.length > 0).map((place) => rounded(place.map(({ score }) => score)));
    return { score: meanOf(parts), parts };
  }
  if (task === "sci_fi") {
    const parts = [rounded(detail("loyalty_score")), rounded(detail("fact_score"))];
    return { score: meanOf(parts), parts };
  }
  return { score: rounded(scores.map(({ score }) => score)) };
}
