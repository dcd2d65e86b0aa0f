/**
 * Evaluation: tasks with known answers, the records they give, and the statistics of small samples.
 *
 * @module
 */
export {
  askNeedle,
  type Haystack,
  type HaystackOptions,
  makeHaystack,
  type Needle,
  type NeedleQuestion,
  needleTokens,
  questionTokens,
  smallestHaystack,
} from "./needle_grammar.ts";
export type { NeedleAnswered, NeedleProgress, NeedleRunOptions, NeedleTask } from "./needle_options.ts";
export type { NeedleSession, NeedleSubject } from "./needle_session.ts";
export { runNeedleTask } from "./needle_task.ts";
export { Random } from "./random.ts";
export { type DemoRow, type NeedleAnswer, parseDemoRow } from "./records.ts";
export {
  clusteredInterval,
  type ClusteredOptions,
  designEffect,
  exactMatchInterval,
  type Interval,
  type Score,
} from "./statistics.ts";
