import type { Question } from "../question.ts";

/** What is known of an answer besides its text. */
export interface AnswerAbout {
  /** Tokens of the prompt. */
  readonly tokens: number;
  /** Whether the prompt was shortened. */
  readonly shortened: boolean;
  /** Seconds from the first token read to the last one written; of questions about one reading those of their own. */
  readonly seconds: number;
  /** Most tokens that any head attended to in any step. */
  readonly scope: number;
}

/** A row of a prediction file: the official layout's fields first, then what else is known. */
export type PredictionRow = Readonly<Record<string, unknown>> & { readonly question: string };

/** Characters of a prompt that RULER's rows show; whole prompts would make them as large as the data. */
const SHOWN_INPUT = 1000;

/**
 * An answer as a row of the official layout, so that the benchmark's own scripts can score it.
 *
 * @param name of the model, for L-Eval's field
 *
 * @example
 * ```ts
 * import { predictionRow, type Question } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const question: Question = {
 *   ...{ benchmark: "longbench", task: "hotpotqa", id: "7", references: ["a mill"], about: { length: 12 } },
 *   ...{ prompt: "Where?", tail: "Where?", chat: false, maxTokens: 32, shortening: { kind: "none" } },
 * };
 * const row = predictionRow(question, "The mill", "demo", { tokens: 3, shortened: false, seconds: 1, scope: 3 });
 * assertEquals([row.pred, row.answers, row.length, row.question], ["The mill", ["a mill"], 12, "7"]);
 * ```
 */
export function predictionRow(question: Question, answer: string, name: string, about: AnswerAbout): PredictionRow {
  const { references, allClasses } = question;
  const more = { question: question.id, ...about };
  switch (question.benchmark) {
    case "longbench":
      return { pred: answer, answers: references, all_classes: allClasses ?? null, ...question.about, ...more };
    case "leval":
      return { query: question.about.query, gt: references[0], [`${name}_pred`]: answer, ...question.about, ...more };
    case "infinitebench":
      return { ...question.about, prediction: answer, ground_truth: references, ...more };
    case "ruler": {
      const input = question.prompt.slice(-SHOWN_INPUT) + (question.answerPrefix ?? "");
      return { ...question.about, pred: answer, input, outputs: references, others: {}, truncation: -1, ...more };
    }
    case "needlebench":
      return { ...question.about, prediction: answer, model_response: answer, ...more };
  }
}
