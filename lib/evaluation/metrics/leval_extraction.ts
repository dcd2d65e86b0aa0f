import { isDigit, replaceSpaces, strip, WHITE_SPACE, words } from "./python_text.ts";

/** L-Eval's tasks whose answer is a letter, or several in coursera. */
export const letterTasks: readonly string[] = ["coursera", "quality", "tpo"];

const LETTERS = "ABCD";
const OPTION = new RegExp(`[${WHITE_SPACE}]*[A-Z](?=[${WHITE_SPACE}.)])`, "g");

function sortedLetters(text: string): string {
  return [...new Set(text.replace(/[^A-D]/g, ""))].sort().join("");
}

/** The letters that a prediction names, by the official rules; "A" where it names none, "None" where it is blank. */
export function predictedLetters(prediction: string, several: boolean): string {
  if (strip(prediction) === "") return "None";
  if (LETTERS.includes(prediction)) return prediction;
  if (!several) return /[A-D]/.exec(prediction)?.[0] ?? "A";
  const leading = /^[A-D]*/.exec(prediction)![0];
  if (leading.length > 1) return sortedLetters(leading);
  return sortedLetters(leading + lettersLater(prediction.slice(leading.length))) || firstRun(prediction) || "A";
}

/** Capitals that stand before white space, a full stop or a closing bracket, up to the next question. */
function lettersLater(text: string): string {
  return (text.split("Question")[0].match(OPTION) ?? []).join(" ");
}

function firstRun(text: string): string {
  return /[A-D]+/.exec(text.split("Question")[0])?.[0] ?? "";
}

/** The letters of a reference: those of its first word, "A" where there are none. */
export function referenceLetters(reference: string): string {
  return (words(reference)[0] ?? "").replace(/[^A-D]/g, "") || "A";
}

/**
 * The number of a worked answer: the word after "The answer is", or else the last word with a digit before the first blank
 * line; of it the digits up to the first full stop.
 */
export function workedNumber(answer: string): string {
  const cued = new RegExp(`The answer is ([^${WHITE_SPACE}]+)`).exec(answer)?.[1];
  const word = cued ?? answer.split("\n\n")[0].split(" ").findLast((word) => [...word].some(isDigit)) ?? "";
  return [...word.split(".")[0]].filter(isDigit).join("");
}

/** A printed value without what differs between ways to print it. */
export function plainCode(text: string): string {
  return replaceSpaces(text, " ").replace(/[,'\\]/g, "").replaceAll(".0", "")
    .replaceAll("] [", "][").replaceAll("[ [", "[[").replaceAll("] ]", "]]");
}

/** Phrases around a printed value, in the order in which they are deleted. */
const PHRASES = ["will be", "of the code", "is", "would be", "the value of", "the result of", "printed"];

/** Where a prediction about code has its value: after "the final output", or else at its end. */
export function predictedCode(prediction: string, reference: string): string {
  const room = words(reference).length + 3;
  const text = PHRASES.reduce((text, phrase) => text.replaceAll(phrase, ""), plainCode(prediction));
  const pieces = (part: string) => replaceSpaces(part, " ").split(" ");
  const after = text.split("the final output");
  return (after.length > 1 ? pieces(after.at(-1)!).slice(0, room) : pieces(text).slice(-room)).join(" ");
}

/** The two judgements of sci_fi, by the document and in fact; undefined where "[fact:" is missing. */
export function judgements(text: string): readonly [string, string] | undefined {
  const parts = text.toLowerCase().split("[fact:");
  if (parts.length < 2) return undefined;
  return [strip(parts[0]), strip([...parts[1]].slice(0, -1).join(""))];
}

/** The first of "true" and "false" that a word of the text holds. */
export function judgement(text: string): string {
  const word = words(text).find((word) => word.includes("true") || word.includes("false"));
  return word === undefined ? "<error>" : word.includes("true") ? "true" : "false";
}
