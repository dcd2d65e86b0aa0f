/**
 * Evaluation: tasks with known answers, the records they give, and the statistics of small samples.
 *
 * @module
 */
export { type Bm25Options, bm25Scores } from "./bm25.ts";
export { type RetrievalOptions, RetrievalSession } from "./retrieval_session.ts";
export { books, readBook } from "./needle/books.ts";
export { type HiddenFact, type NeedleVariant, needleVariants } from "./needle/facts.ts";
export { type Haystack, type HaystackOptions, makeHaystack, type Needle } from "./needle/haystack.ts";
export { heldOutFamilyNames, heldOutNames, heldOutNumbers } from "./needle/held_out.ts";
export type { AskStyle, NeedleAnswered, NeedleProgress, NeedleRunOptions, NeedleTask } from "./needle/options.ts";
export { Prose, type TextTokenizer } from "./needle/prose.ts";
export { askNeedle, type AskOptions, type NeedleQuestion } from "./needle/question.ts";
export { questionRoom } from "./needle/run.ts";
export type { NeedleSession, NeedleSubject } from "./needle/session.ts";
export { runNeedleTask } from "./needle/task.ts";
export { type Fact, kinds, needleSentence, type Wording } from "./needle/wordings.ts";
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
