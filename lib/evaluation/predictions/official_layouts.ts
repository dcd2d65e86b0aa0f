import * as z from "../../zod.ts";
import { FloatNumber } from "../metrics/float_number.ts";
import { infiniteBenchTasks } from "../metrics/infinitebench.ts";
import type { AnswerToScore } from "../metrics/score_answer.ts";

/** Benchmarks whose predictions have a layout that official scripts read. */
export const predictedBenchmarks = ["longbench", "leval", "infinitebench", "ruler", "needlebench"] as const;

/** A benchmark whose predictions have a layout. */
export type PredictedBenchmark = typeof predictedBenchmarks[number];

/** What a prediction file holds. */
export interface PredictionKind {
  /** Whose layout it has. */
  readonly benchmark: PredictedBenchmark;
  /** The task's official name. */
  readonly task: string;
}

const text = z.string({ error: (issue) => `must be text, not ${JSON.stringify(issue.input) ?? "missing"}` });
const texts = z.array(text, "must be a list of texts");
const reference = z.union([z.string(), z.number(), z.instanceof(FloatNumber)]);

const longBench = z.looseObject({
  pred: text,
  answers: texts,
  all_classes: z.nullish(z.array(z.string())),
  length: z.optional(z.number()),
});
const leval = z.looseObject({ gt: text, evaluation: text });
const ruler = z.looseObject({ pred: text, outputs: texts });
const needle = z.looseObject({
  prediction: z.optional(text),
  model_response: z.optional(text),
  gold: z.union([text, texts.check(z.minLength(1, "must not be empty"))], "must be text, or a list of texts"),
});
const infiniteBench = z.looseObject({
  prediction: z.optional(text),
  pred: z.optional(text),
  ground_truth: z.optional(z.union([reference, z.array(z.unknown())])),
  label: z.optional(z.union([reference, z.array(z.unknown())])),
});

type Row = Record<string, unknown>;

/** The field that holds L-Eval's prediction: the first whose name has "_pred" in it. */
function levalField(row: Row): string | undefined {
  return Object.keys(row).find((key) => key.includes("_pred"));
}

/**
 * Tells by a file's name and first row whose predictions it holds; undefined where it is none that is known.
 *
 * @param name the file's name without folders
 *
 * @example
 * ```ts
 * import { predictionKind } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const row = { pred: "The mill", answers: ["a mill"], all_classes: null };
 * assertEquals(predictionKind("hotpotqa.jsonl", row), { benchmark: "longbench", task: "hotpotqa" });
 * assertEquals(predictionKind("hotpotqa.jsonl", { text: "The mill" }), undefined);
 * ```
 */
export function predictionKind(name: string, row: unknown): PredictionKind | undefined {
  if (typeof row !== "object" || row === null) return undefined;
  const [stem] = name.split(/\.pred\.jsonl$|\.jsonl$/);
  const task = stem.replace(/^preds_/, "");
  if ("gt" in row && levalField(row as Row)) return { benchmark: "leval", task };
  if ("pred" in row && "answers" in row) return { benchmark: "longbench", task };
  if ("pred" in row && "outputs" in row) return { benchmark: "ruler", task };
  if ("gold" in row) return { benchmark: "needlebench", task };
  if (task in infiniteBenchTasks && ("ground_truth" in row || "label" in row)) {
    return { benchmark: "infinitebench", task };
  }
  return undefined;
}

/** InfiniteBench's labels as its scorer gets them: lists, or a single answer. */
function labelsOf(label: unknown): AnswerToScore["references"] {
  const list = z.array(reference).safeParse(Array.isArray(label) ? label.flat() : [label]);
  if (!list.success) throw new RangeError(`ground_truth ${JSON.stringify(label)} must be texts or numbers`);
  return list.data;
}

function checked<T>(schema: z.ZodMiniType<T>, row: unknown): T {
  const parsed = schema.safeParse(row);
  if (parsed.success) return parsed.data;
  throw new RangeError(parsed.error.issues.map(({ path, message }) => `${path.join(".")} ${message}`).join("; "));
}

/**
 * The answer in a row of a prediction file.
 *
 * @returns undefined for rows that only people or models score (L-Eval)
 * @throws {RangeError} for a row that has not its layout's fields, naming them.
 *
 * @example
 * ```ts
 * import { answerInRow, scoreAnswer } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const row = { pred: "The mill", answers: ["a mill"], all_classes: null, length: 12 };
 * const answer = answerInRow({ benchmark: "longbench", task: "hotpotqa" }, row)!;
 * assertEquals((await scoreAnswer(answer)).score, 1);
 * ```
 */
export function answerInRow({ benchmark, task }: PredictionKind, row: unknown): AnswerToScore | undefined {
  switch (benchmark) {
    case "longbench": {
      const { pred, answers, all_classes } = checked(longBench, row);
      return { benchmark, task, prediction: pred, references: answers, allClasses: all_classes ?? undefined };
    }
    case "leval": {
      const { gt, evaluation, ...rest } = checked(leval, row);
      if (!["exam", "f1", "rouge"].includes(evaluation)) return undefined;
      const field = levalField(rest) ?? "_pred";
      const prediction = checked(text, rest[field]);
      return { benchmark, task, metric: evaluation, prediction, references: [gt] };
    }
    case "infinitebench": {
      const { prediction, pred, ground_truth, label } = checked(infiniteBench, row);
      const said = prediction ?? pred;
      if (said === undefined) throw new RangeError("prediction must be text, not missing");
      return { benchmark, task, prediction: said, references: labelsOf(ground_truth ?? label) };
    }
    case "ruler": {
      const { pred, outputs } = checked(ruler, row);
      return { benchmark, task, prediction: pred, references: outputs };
    }
    case "needlebench": {
      const { prediction, model_response, gold } = checked(needle, row);
      const said = prediction ?? model_response ?? "";
      if (typeof gold !== "string") {
        const keywords = gold.map((one) => one.split("*")[1] ?? "");
        return { benchmark, task, metric: "keywords", prediction: said, references: keywords };
      }
      const [hidden, keyword = ""] = gold.split("*");
      return { benchmark, task, prediction: said, references: [hidden], keyword };
    }
  }
}

/**
 * Where the official scripts look for a task's predictions, from their working folder.
 *
 * @param name of the model, or of model and method
 *
 * @example
 * ```ts
 * import { predictionPath } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(predictionPath({ benchmark: "longbench", task: "qasper_e" }, "llama"), "pred_e/llama/qasper.jsonl");
 * const ruler = predictionPath({ benchmark: "ruler", task: "vt" }, "llama", { length: 4096 });
 * assertEquals(ruler, "llama/synthetic/4096/pred/vt.jsonl");
 * ```
 */
export function predictionPath(
  { benchmark, task }: PredictionKind,
  name: string,
  { evaluation = "exam", length }: { evaluation?: string; length?: number } = {},
): string {
  switch (benchmark) {
    case "longbench":
      return task.endsWith("_e") ? `pred_e/${name}/${task.slice(0, -2)}.jsonl` : `pred/${name}/${task}.jsonl`;
    case "leval":
      return `Predictions/${evaluation === "exam" ? "exam_eval" : "ngram_eval"}/${name}/${task}.pred.jsonl`;
    case "infinitebench":
      return `results/${name}/preds_${task}.jsonl`;
    case "ruler":
      return `${name}/synthetic/${length ?? 0}/pred/${task}.jsonl`;
    case "needlebench":
      return `needle/${name}/${task}.jsonl`;
  }
}
