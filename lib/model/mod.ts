/**
 * Models: configuration, weights, tokenizer, decoder, and sessions that read a context and answer questions about it.
 *
 * @module
 */
export type { TextSource } from "./session/append_stream.ts";
export { type ChatMessage, type ChatOptions, ChatTemplates } from "./text/chat_template.ts";
export { type ModelConfig, type ModelFamily, parseConfig } from "./config/config.ts";
export { Decoder } from "./decoder/decoder.ts";
export { DecoderWeights, type LayerWeights, type LoadedShard, type WeightType } from "./weights/decoder_weights.ts";
export type { StoredType } from "./weights/element_types.ts";
export type { DownloadProgress } from "./hub/download.ts";
export type { AnswerProbability } from "./session/forced_answer.ts";
export { type InspectionTables, inspectionTables, inspectionTensors } from "./export/inspection_export.ts";
export { type Column, encodeParquet, type Table, writeParquet } from "./export/table.ts";
export { type TraceTables, traceTables, traceTensors } from "./export/trace_export.ts";
export { modelFingerprint } from "./weights/fingerprint.ts";
export { fetchDataset } from "./hub/fetch_dataset.ts";
export { fetchModel, type HubOptions } from "./hub/fetch_model.ts";
export { HubRefusal } from "./hub/hub_files.ts";
export { type HubAccessOptions, isRepository } from "./hub/repository.ts";
export { headOf, type Inspection, type InspectOptions } from "./inspection/inspect.ts";
export type { Intervention, InterventionEffect, InterventionQuestion, SpanSwap } from "./inspection/intervene.ts";
export { loadConfig, loadModel, type LoadOptions } from "./load_model.ts";
export { Model, type SessionOptions } from "./model.ts";
export { ModelFileError } from "./model_file_error.ts";
export { type PromptStep, promptSteps } from "./decoder/prompt_steps.ts";
export type { TextOrTokens } from "./text/question_tokens.ts";
export type { RotaryLayout } from "./config/rotary_layout.ts";
export { openWeights, SafetensorsFile, type TensorEntry, type WeightStore } from "./weights/safetensors.ts";
export type { Projection, RowNorm } from "./decoder/projection.ts";
export type { LayerOf } from "./weights/weight_plan.ts";
export { encodeSafetensors, type TensorToWrite, writeSafetensors } from "./weights/safetensors_writer.ts";
export {
  greedySampling,
  parseSamplingOptions,
  type SamplingOptions,
  samplingOptionsSchema,
} from "./decoder/sampling_options.ts";
export type { AnswerStart } from "./decoder/decoding.ts";
export { type ReaderState, SequenceReader } from "./session/sequence_reader.ts";
export type { RestoreProgress } from "./saved/restore_session.ts";
export type { SaveOptions } from "./saved/save_session.ts";
export { SavedSessionError } from "./saved/saved_session_error.ts";
export { Session } from "./session/session.ts";
export { SessionBatch } from "./session/session_batch.ts";
export { methodFor, type MethodModel, type MethodOptions } from "./session/session_method.ts";
export type { AppendOptions, GenerateOptions, SessionModel } from "./session/session_options.ts";
export { type MeasuredRun, measureRun } from "./plan/measure_run.ts";
export { type PlanOptions, planRun } from "./plan/plan_run.ts";
export { configOfShape, type ShapeName, shapeNames } from "./plan/presets.ts";
export { describePlan, type PlanChange, type PlannedRun, type TierBytes } from "./plan/run_plan.ts";
export type { TimeEstimate } from "./plan/estimate.ts";
export { type StepTiming, timeSteps } from "./plan/time_steps.ts";
export { PlatformError } from "../platform.ts";
export type { RandomNumbers, SpanEffect, SpanEffects, SpanEffectsOptions } from "./inspection/span_effects.ts";
export { ReadBatches } from "./decoder/read_batches.ts";
export { Stepper } from "./decoder/stepper.ts";
export { TextStream, type TokenDecoder } from "./text/text_stream.ts";
export { openingTokens, type TokenEncoder, TokenStream } from "./text/token_stream.ts";
export { type DecodeOptions, type EncodeOptions, loadTokenizer, ModelTokenizer } from "./text/tokenizer.ts";
