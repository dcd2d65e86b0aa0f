/**
 * Models: configuration, weights, tokenizer, decoder, and sessions that read a context and answer questions about it.
 *
 * @module
 */
export type { TextSource } from "./append_stream.ts";
export { type ChatMessage, type ChatOptions, ChatTemplates } from "./chat_template.ts";
export { type ModelConfig, type ModelFamily, parseConfig } from "./config.ts";
export { Decoder } from "./decoder.ts";
export { DecoderWeights, type LayerWeights, type LoadedShard, type WeightType } from "./decoder_weights.ts";
export type { StoredType } from "./element_types.ts";
export type { DownloadProgress } from "./hub/download.ts";
export type { AnswerProbability } from "./forced_answer.ts";
export { type InspectionTables, inspectionTables, inspectionTensors } from "./export/inspection_export.ts";
export { type Column, encodeParquet, type Table, writeParquet } from "./export/table.ts";
export { type TraceTables, traceTables, traceTensors } from "./export/trace_export.ts";
export { modelFingerprint } from "./fingerprint.ts";
export { fetchDataset } from "./hub/fetch_dataset.ts";
export { fetchModel, type HubOptions } from "./hub/fetch_model.ts";
export { HubRefusal } from "./hub/hub_files.ts";
export { type HubAccessOptions, isRepository } from "./hub/repository.ts";
export { headOf, type Inspection, type InspectOptions } from "./inspect.ts";
export type { Intervention, InterventionEffect, InterventionQuestion, SpanSwap } from "./intervene.ts";
export { loadConfig, loadModel, type LoadOptions } from "./load_model.ts";
export { Model, type SessionOptions } from "./model.ts";
export { ModelFileError } from "./model_file_error.ts";
export { type PromptStep, promptSteps } from "./prompt_steps.ts";
export type { TextOrTokens } from "./question_tokens.ts";
export type { RotaryLayout } from "./rotary_layout.ts";
export { openWeights, SafetensorsFile, type TensorEntry, type WeightStore } from "./safetensors.ts";
export type { Projection, RowNorm } from "./projection.ts";
export type { LayerOf } from "./weight_plan.ts";
export { encodeSafetensors, type TensorToWrite, writeSafetensors } from "./safetensors_writer.ts";
export {
  greedySampling,
  parseSamplingOptions,
  type SamplingOptions,
  samplingOptionsSchema,
} from "./sampling_options.ts";
export type { AnswerStart } from "./decoding.ts";
export { type ReaderState, SequenceReader } from "./sequence_reader.ts";
export type { RestoreProgress } from "./saved/restore_session.ts";
export type { SaveOptions } from "./saved/save_session.ts";
export { SavedSessionError } from "./saved/saved_session_error.ts";
export { Session } from "./session.ts";
export { SessionBatch } from "./session_batch.ts";
export { methodFor, type MethodModel, type MethodOptions } from "./session_method.ts";
export type { AppendOptions, GenerateOptions, SessionModel } from "./session_options.ts";
export { type MeasuredRun, measureRun } from "./plan/measure_run.ts";
export { type PlanOptions, planRun } from "./plan/plan_run.ts";
export { configOfShape, type ShapeName, shapeNames } from "./plan/presets.ts";
export { describePlan, type PlanChange, type PlannedRun, type TierBytes } from "./plan/run_plan.ts";
export type { TimeEstimate } from "./plan/estimate.ts";
export { type StepTiming, timeSteps } from "./plan/time_steps.ts";
export { PlatformError } from "../platform.ts";
export type { RandomNumbers, SpanEffect, SpanEffects, SpanEffectsOptions } from "./span_effects.ts";
export { Stepper } from "./stepper.ts";
export { TextStream, type TokenDecoder } from "./text_stream.ts";
export { openingTokens, type TokenEncoder, TokenStream } from "./token_stream.ts";
export { type DecodeOptions, type EncodeOptions, loadTokenizer, ModelTokenizer } from "./tokenizer.ts";
