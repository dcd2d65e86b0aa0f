/**
 * Evaluation: tasks with known answers, the records they give, and the statistics of small samples.
 *
 * @module
 */
export { type Bm25Options, bm25Scores } from "./bm25.ts";
export { RetrievalSession, type RetrievalSessionOptions } from "./retrieval_session.ts";
export {
  hasOpenCompassPrompts,
  type OpenCompassPrompt,
  openCompassPrompt,
  type OpenCompassSuite,
} from "./benchmarks/opencompass_configs.ts";
export { hasLEvalPrompts, levalNames, levalOpenTasks, type LEvalOptions, loadLEval } from "./benchmarks/leval.ts";
export { hasInfiniteBenchLengths, type InfiniteBenchOptions, loadInfiniteBench } from "./benchmarks/infinitebench.ts";
export { loadLongBench, longBenchLimits, longBenchNames, type LongBenchOptions } from "./benchmarks/longbench.ts";
export { pythonLiteral, type PythonValue } from "./data/python_literals.ts";
export { MissingFileError, Release } from "./data/release.ts";
export { type DataRow, readTable, type TableNames } from "./data/rows.ts";
export {
  type GridNeedle,
  makeNeedleGrid,
  type NeedleGridOptions,
  type NeedleProtocol,
} from "./generate/needle_grid.ts";
export { readNeedles } from "./generate/needle_file.ts";
export { makeRetrieval, type RetrievalOptions, type RetrievalTask, retrievalTasks } from "./generate/retrieval.ts";
export { makeRuler, rulerKind, type RulerOptions, rulerTasks } from "./generate/ruler/make.ts";
export { type QaData, type QaItem, readQaData } from "./generate/ruler/qa.ts";
export { essayWords } from "./generate/ruler/sample.ts";
export {
  factsRulerWording,
  officialRulerWording,
  ownRulerWording,
  type RulerKind,
  type RulerTemplate,
  type RulerWording,
} from "./generate/ruler/wording.ts";
export { commonVocabulary } from "./generate/ruler/words.ts";
export { type JsonLine, jsonLines, readJsonLines } from "./data/json_lines.ts";
export { editSimilarity, levenshtein } from "./metrics/edit_distance.ts";
export { FloatNumber, parseJsonAsPython, type Reference } from "./metrics/float_number.ts";
export { checkGolden, GOLDEN_TOLERANCE, type GoldenDifference } from "./metrics/golden.ts";
export { infiniteBenchScore, infiniteBenchTasks } from "./metrics/infinitebench.ts";
export {
  levalClosedTasks,
  levalExactMatch,
  type LEvalMean,
  levalMean,
  type LEvalMetric,
  type LEvalScore,
  levalScore,
} from "./metrics/leval.ts";
export {
  longBenchByLength,
  type LongBenchGroup,
  longBenchMean,
  type LongBenchMetric,
  longBenchScore,
  type LongBenchTask,
  longBenchTask,
  longBenchTasks,
  type ScoringContext,
} from "./metrics/longbench.ts";
export { openCompassOptionFinder, type OptionFinder, optionFinder } from "./metrics/opencompass_options.ts";
export { keywordShare, needleScore } from "./metrics/needle_score.ts";
export { normalizeChinese, normalizeEnglish } from "./metrics/normalize.ts";
export { openCompassLongBenchScore } from "./metrics/opencompass_longbench.ts";
export { rougeL, rougeLsum, rougeN } from "./metrics/rouge_score.ts";
export { rougeSummaryL } from "./metrics/rouge_summary.ts";
export { rulerMean, rulerScore, stringMatchAll, stringMatchPart } from "./metrics/ruler.ts";
export {
  type AnswerScore,
  type AnswerToScore,
  scoreAnswer,
  type ScoredBenchmark,
  scoredBenchmarks,
} from "./metrics/score_answer.ts";
export { loadSegmenter, type Segmenter } from "./metrics/segmentation.ts";
export { matchingRatio } from "./metrics/sequence_matcher.ts";
export { characterF1, chineseF1, englishF1, tokenF1 } from "./metrics/token_f1.ts";
export { keptRanges, type TruncationRule } from "./metrics/truncation.ts";
export { books, novelsText, readBook } from "./needle/books.ts";
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
export { type LossBin, lossByPosition, lossOf, type LossSession, type PerplexityOptions } from "./perplexity.ts";
export {
  answerInRow,
  type PredictedBenchmark,
  predictedBenchmarks,
  type PredictionKind,
  predictionKind,
  predictionPath,
} from "./predictions/official_layouts.ts";
export {
  type LineFault,
  type ScoredFile,
  type ScoreOptions,
  scorePredictions,
  type TaskScore,
} from "./predictions/score_predictions.ts";
export {
  fillTemplate,
  type HiddenPlace,
  type LoadedTask,
  type Question,
  type RowFault,
  type Shortening,
} from "./question.ts";
export { Random } from "./random.ts";
export { type DemoRow, type NeedleAnswer, parseDemoRow } from "./records.ts";
export type { AnswerKeeper, KeptAnswers, UnansweredQuestion } from "./run/answer_keeper.ts";
export { AnswerSet, AnswerStore } from "./run/answer_store.ts";
export {
  type FitOptions,
  fitPrompt,
  type FittedPrompt,
  hasChatTemplate,
  type PromptTokenizer,
} from "./run/fit_prompt.ts";
export { type AnswerAbout, type PredictionRow, predictionRow } from "./run/prediction_row.ts";
export {
  type AnswerRecord,
  type FailedQuestion,
  type RunOptions as QuestionRunOptions,
  runQuestions,
  type RunSession,
  type RunSubject,
} from "./run/run_questions.ts";
export {
  clusteredInterval,
  type ClusteredOptions,
  designEffect,
  exactMatchInterval,
  type Interval,
  meanOf,
  type Score,
  standardError,
} from "./statistics.ts";
export {
  type AnswerLine,
  AnswerShard,
  readTaskAnswers,
  type ShardOfAnswers,
  type TaskAnswers,
} from "./shards/answer_shard.ts";
export { attemptName, taskFolder } from "./shards/attempts.ts";
export { type Collected, collectRun } from "./shards/collect.ts";
export { dealTrials } from "./shards/deal.ts";
export {
  type PlacedTrial,
  RunFolder,
  type RunOptions,
  type TaskProgress,
  type TaskRecords,
} from "./shards/run_folder.ts";
export { type Checked, parsePlanFile } from "./shards/plan_file.ts";
export { RUN_VERSION, type RunPlan } from "./shards/run_plan.ts";
export { ShardLedger, type ShardOptions } from "./shards/shard_ledger.ts";
export { ablate, type AblateOptions, runLedger, type SweepRunOptions } from "./sweep/ablate.ts";
export { type AxisRange, type AxisValue, parseAxisText, type WrittenAxis } from "./sweep/axis.ts";
export { type Bench, type BenchOptions, type EndedTrial, ModelBench } from "./sweep/bench.ts";
export { type Names, parseCondition } from "./sweep/expression.ts";
export { planSweep, type SweepPlan } from "./sweep/grid.ts";
export { KeptReadings, type KeptReadingsOptions } from "./sweep/kept_readings.ts";
export { type ClaimedTrial, InMemoryLedger, type Ledger, type LedgerCounts } from "./sweep/ledger.ts";
export {
  type Environment,
  parseTrialRecord,
  type QuestionOutcome,
  RECORD_VERSION,
  type TrialRecord,
  type TrialResult,
} from "./sweep/record.ts";
export { type KeptGroup, type KeptTrace, type TrialOptions, TrialRunner, type TrialSubject } from "./sweep/runner.ts";
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
export { baselinesOf, type SettingComparison } from "./sweep/comparisons.ts";
export { pooledSettings, type SettingSummary, valueOf } from "./sweep/setting_summary.ts";
export { type PooledSummary, summarizeSweep, type SweepSummary } from "./sweep/summary.ts";
export type { ItemOptions, SweepTask, TaskItem, TaskQuestion } from "./sweep/task.ts";
export { sweepTask, sweepTasks } from "./sweep/tasks.ts";
export { prefillKeyOf, settingLabel, type Trial } from "./sweep/trial.ts";
export type { ReadContext, TrialSession } from "./sweep/trial_session.ts";
export { type Average, averagesOf, rulerAverages } from "./tables/averages.ts";
export { textTable } from "./tables/text_table.ts";
