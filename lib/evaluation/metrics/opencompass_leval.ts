import { isDigit, replaceSpaces, strip, WHITE_SPACE, WORD } from "./python_text.ts";

const FIRST_CAPITAL = /\p{Lu}/u;
const NO_WORD = new RegExp(`[^${WORD}${WHITE_SPACE}]`, "gu");
const ARTICLES = new RegExp(`(?<![${WORD}])(?:a|an|the)(?![${WORD}])`, "giu");

/** OpenCompass's metrics for L-Eval's closed tasks. */
export type OpenCompassLEvalMetric = "first_capital" | "first_capital_run" | "gsm100_number" | "general_em";

/** The number after the first "The answer is", all its digits; "" where there is none. */
function numberAfterCue(prediction: string): string {
  const segments = prediction.split("The answer is");
  if (segments.length < 2) return "";
  const word = segments[1].split(" ").find((word) => [...word].some(isDigit)) ?? "";
  return [...word].filter(isDigit).join("");
}

/** A text up to its first line end, full stop or comma, without marks and articles. */
function general(text: string): string {
  const words = text.split(/[\n.,]/)[0].replace(NO_WORD, "").replace(ARTICLES, "");
  return strip(replaceSpaces(words, " "));
}

/** What OpenCompass compares of a prediction, and whether it is right: from 0 to 1. */
export function openCompassLEval(
  metric: OpenCompassLEvalMetric,
  prediction: string,
  references: readonly string[],
): { score: number; details: Readonly<Record<string, unknown>> } {
  if (metric === "general_em") {
    const text = general(prediction);
    const right = references.some((reference) => text.includes(reference) || text.includes(general(reference)));
    return { score: right ? 1 : 0, details: { processed_prediction: text } };
  }
  const text = metric === "first_capital"
    ? FIRST_CAPITAL.exec(prediction)?.[0] ?? ""
    : metric === "first_capital_run"
    ? /[A-D]+/.exec(prediction)?.[0] ?? ""
    : numberAfterCue(prediction);
  const right = metric === "gsm100_number" ? references.map((one) => one.replaceAll(",", "")) : references;
  return { score: right.includes(text) ? 1 : 0, details: { processed_prediction: text } };
}

/** Which metric OpenCompass takes for one of L-Eval's closed tasks; undefined: it doesn't run that task. */
export function openCompassLEvalMetric(task: string): OpenCompassLEvalMetric | undefined {
  return ({
    tpo: "first_capital",
    quality: "first_capital",
    coursera: "first_capital_run",
    gsm100: "gsm100_number",
    topic_retrieval_longchat: "general_em",
  } as const)[task];
}
