import * as z from "../../zod.ts";
import { FloatNumber, type Reference } from "./float_number.ts";
import { levalMean, type LEvalScore } from "./leval.ts";
import { longBenchByLength, longBenchMean } from "./longbench.ts";
import { rulerMean } from "./ruler.ts";
import { type AnswerToScore, levalMetricOf, scoreAnswer, scoredBenchmarks } from "./score_answer.ts";
import { keptRanges, type TruncationRule } from "./truncation.ts";
import { meanOf } from "../statistics.ts";

const reference = z.union([z.string(), z.number(), z.instanceof(FloatNumber)]);
const benchmark = z.enum(scoredBenchmarks);
const allClasses = z.nullish(z.array(z.string()));

const exampleSchema = z.looseObject({
  benchmark,
  task: z.string(),
  metric: z.optional(z.string()),
  prediction: z.string(),
  references: z.array(reference).check(z.minLength(1)),
  all_classes: allClasses,
  keyword: z.optional(z.string()),
  score: z.number(),
});
const itemSchema = z.looseObject({
  prediction: z.string(),
  references: z.optional(z.array(reference)),
  gold: z.optional(z.string()),
  length: z.optional(z.number()),
});
const aggregateSchema = z.looseObject({
  kind: z.enum(["dataset_score", "dataset_score_by_length"]),
  benchmark,
  task: z.string(),
  metric: z.optional(z.string()),
  all_classes: allClasses,
  items: z.array(itemSchema).check(z.minLength(1)),
  score: z.union([z.number(), z.record(z.string(), z.nullable(z.number()))]),
});
const truncationSchema = z.looseObject({
  rule: z.enum(["longbench_middle", "exact_middle", "infllm_suffix"]),
  length: z.int(),
  max_length: z.int(),
  keep: z.array(z.tuple([z.number(), z.number()])),
});

/** Something that a golden line says and that was computed otherwise. */
export interface GoldenDifference {
  /** The line's field. */
  readonly field: string;
  /** What the line says. */
  readonly expected: unknown;
  /** What was computed. */
  readonly computed: unknown;
}

/** How far scores may be apart. */
export const GOLDEN_TOLERANCE = 1e-6;

/** What a golden line's fields should be, computed anew. */
async function computed(line: Record<string, unknown>): Promise<Readonly<Record<string, unknown>>> {
  if ("rule" in line) {
    const { rule, length, max_length } = truncationSchema.parse(line);
    return { keep: keptRanges(rule as TruncationRule, length, max_length) };
  }
  if ("items" in line) return await aggregate(aggregateSchema.parse(line));
  const { all_classes, ...example } = exampleSchema.parse(line);
  const { score, details } = await scoreAnswer({ ...example, allClasses: all_classes ?? undefined });
  // RULER's own function rounds, be it a single answer's score.
  return { ...details, score: example.benchmark === "ruler" ? rulerMean([score]) : score };
}

type Item = z.infer<typeof itemSchema>;

/** NeedleBench joins needle and keyword with an asterisk. */
function answerOf(item: Item): { references: readonly Reference[]; keyword?: string } {
  if (item.gold === undefined) return { references: item.references ?? [] };
  const [needle, keyword = ""] = item.gold.split("*");
  return { references: [needle], keyword };
}

async function aggregate(line: z.infer<typeof aggregateSchema>): Promise<Readonly<Record<string, unknown>>> {
  const { benchmark, task, metric, kind, items } = line;
  const shared = { benchmark, task, metric, allClasses: line.all_classes ?? undefined };
  const answers: AnswerToScore[] = items.map((item) => ({ ...shared, prediction: item.prediction, ...answerOf(item) }));
  const scored = await Promise.all(answers.map(scoreAnswer));
  const scores = scored.map(({ score }) => score);
  const average = meanOf(scores);
  if (kind === "dataset_score_by_length") {
    return { score: longBenchByLength(scores.map((score, index) => ({ score, length: items[index].length ?? 0 }))) };
  }
  switch (benchmark) {
    case "longbench":
    case "opencompass-longbench":
      return { score: longBenchMean(scores) };
    case "ruler":
      return { score: rulerMean(scores) };
    case "leval": {
      const { score, parts } = levalMean(levalMetricOf(task, metric), task, scored as LEvalScore[]);
      return { score, per_position: parts };
    }
    case "opencompass-leval":
      return { score: 100 * average };
    default:
      return { score: average };
  }
}

function isSame(expected: unknown, found: unknown): boolean {
  if (expected instanceof FloatNumber) return isSame(expected.value, found);
  if (typeof expected === "number" && typeof found === "number") return Math.abs(expected - found) <= GOLDEN_TOLERANCE;
  if (typeof expected === "object" && expected !== null && typeof found === "object" && found !== null) {
    const keys = Object.keys(expected);
    return keys.length === Object.keys(found).length &&
      keys.every((key) => isSame((expected as Record<string, unknown>)[key], (found as Record<string, unknown>)[key]));
  }
  // An empty bucket is NaN, which JSON writes as null.
  if (expected === null && typeof found === "number") return Number.isNaN(found);
  return expected === found;
}

/**
 * Computes a golden line anew: the score of an answer, of a task, or what truncation keeps. Compared are all fields that the
 * line has and that come out of the computation, the extracted answers among them.
 *
 * @param value a line, parsed with {@linkcode parseJsonAsPython}
 * @returns what differs; nothing where the line is right
 * @throws {RangeError} for a line that is none, naming what is wrong.
 *
 * @example
 * ```ts
 * import { checkGolden } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const line = { benchmark: "longbench", task: "hotpotqa", prediction: "The old mill.", references: ["old mill"] };
 * assertEquals(await checkGolden({ ...line, score: 1 }), []);
 * assertEquals(await checkGolden({ ...line, score: 0.5 }), [{ field: "score", expected: 0.5, computed: 1 }]);
 * ```
 */
export async function checkGolden(value: unknown): Promise<GoldenDifference[]> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new RangeError(`a golden line must be an object, not ${JSON.stringify(value)}`);
  }
  const line = value as Record<string, unknown>;
  let found: Readonly<Record<string, unknown>>;
  try {
    found = await computed(line);
  } catch (error) {
    if (!(error instanceof z.$ZodError)) throw error;
    throw new RangeError(error.issues.map(({ path, message }) => `${path.join(".") || "line"}: ${message}`).join("; "));
  }
  return Object.keys(found)
    .filter((field) => field in line && !isSame(line[field], found[field]))
    .map((field) => ({ field, expected: line[field], computed: found[field] }));
}
