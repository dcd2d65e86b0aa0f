/**
 * Evaluation: tasks with known answers, the records they give, and the statistics of small samples.
 *
 * @module
 */
export { books, readBook } from "./needle/books.ts";
export { type HiddenFact, type NeedleVariant, needleVariants } from "./needle/facts.ts";
export { type Haystack, type HaystackOptions, makeHaystack, type Needle } from "./needle/haystack.ts";
export { heldOutFamilyNames, heldOutNames, heldOutNumbers } from "./needle/held_out.ts";
export type { AskStyle, NeedleAnswered, NeedleProgress, NeedleRunOptions, NeedleTask } from "./needle/options.ts";
export { Prose, type TextTokenizer } from "./needle/prose.ts";
export { askNeedle, type AskOptions, type NeedleQuestion } from "./needle/question.ts";
export { questionRoom } from "./needle/context.ts";
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
export { ablate, type AblateOptions, runLedger, type RunOptions } from "./sweep/ablate.ts";
export { type AxisRange, type AxisValue, parseAxisText, type WrittenAxis } from "./sweep/axis.ts";
export { type Bench, type EndedTrial, ModelBench } from "./sweep/bench.ts";
export { type Names, parseCondition } from "./sweep/expression.ts";
export { planSweep, type SweepPlan } from "./sweep/grid.ts";
export { type ClaimedTrial, InMemoryLedger, type Ledger, type LedgerCounts } from "./sweep/ledger.ts";
export {
  type Environment,
  parseTrialRecord,
  type QuestionOutcome,
  RECORD_VERSION,
  type TrialRecord,
  type TrialResult,
} from "./sweep/record.ts";
export {
  type KeptGroup,
  type KeptTrace,
  type TrialOptions,
  TrialRunner,
  type TrialSession,
  type TrialSubject,
} from "./sweep/runner.ts";
export { bootstrapInterval, comparePaired, holmCorrected, type PairedComparison } from "./sweep/resampling.ts";
export { mostSobolDimensions, sobolPoints } from "./sweep/sobol.ts";
export {
  type Axes,
  knobNames,
  parseSweepSpec,
  type SweepSpec,
  type SweepSpecInput,
  sweepSpecJsonSchema,
} from "./sweep/spec.ts";
export { OtherSpecError, SweepFile, type SweepFileOptions } from "./sweep/sweep_file.ts";
export {
  baselinesOf,
  type SettingComparison,
  type SettingSummary,
  summarizeSweep,
  type SweepSummary,
  valueOf,
} from "./sweep/summary.ts";
export type { ItemOptions, SweepTask, TaskItem, TaskQuestion } from "./sweep/task.ts";
export { sweepTask, sweepTasks } from "./sweep/tasks.ts";
export { prefillKeyOf, settingLabel, type Trial } from "./sweep/trial.ts";
