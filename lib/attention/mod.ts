/**
 * The attention layer: knobs, the paged KV cache, selection, one file per method behind one interface, and the trace.
 *
 * @module
 */
export { type AttendedChange, AttendedEdit, type TokenSpan } from "./inspection/attended_edit.ts";
export { AttentionProbe, type ProbedLayer } from "./inspection/attention_probe.ts";
export { entropyOf, type HeadAttention } from "./inspection/head_attention.ts";
export { DualChunk } from "./methods/dual_chunk.ts";
export { DynamicNtk } from "./methods/dynamic_ntk.ts";
export { FullAttention } from "./methods/full.ts";
export { type Knobs, knobsSchema, paperKnobs, presets, resolveKnobs, selectedScope } from "./knobs/knobs.ts";
export { type HeadRecall, headRecall, type HeadVotes } from "./inspection/head_votes.ts";
export {
  type InsideHead,
  type InsideLayer,
  type InsideStep,
  readInside,
  type ScoresAlong,
} from "./inspection/inside.ts";
export { CachedSequence } from "./cache/cached_sequence.ts";
export { HostValues } from "./cache/host_values.ts";
export { FileValues, type FileValuesOptions, hotBytesOf, type ValuesFile } from "./cache/file_values.ts";
export type { OutsideValues, ValuesTraffic, WantedValues } from "./cache/outside_values.ts";
export { HeldLists } from "./memory/held_lists.ts";
export { HeldSelection, type HeldShape, type LayerPicks } from "./memory/held_selection.ts";
export { type CacheOptions, KeyValueCache } from "./cache/kv_cache.ts";
export type { InsideOptions } from "./inspection/layer_reading.ts";
export { LayeredAttention } from "./methods/layered.ts";
export { type LayerMethods, methodsByLayer } from "./knobs/layer_map.ts";
export type { LayerMemory } from "./memory/layer_memory.ts";
export { LinearInterpolation } from "./methods/linear_interpolation.ts";
export { LmInfinite } from "./methods/lm_infinite.ts";
export type { AttentionMethod, MethodName } from "./method.ts";
export { createMethod, type MethodMaker, methodNames } from "./methods.ts";
export { type OutsidePages, type PageOptions, type ValuesPlace, valuesPlaces } from "./cache/page_options.ts";
export { PagePool } from "./cache/page_pool.ts";
export type { Slab } from "./cache/slab.ts";
export { type StorageType, storageTypes } from "./cache/storage.ts";
export { ReAttention } from "./methods/reattention.ts";
export {
  attendRelative,
  type CappedPositions,
  type ChunkedPositions,
  type GroupedPositions,
  type RelativeOptions,
  type RelativePositions,
} from "./attend/relative.ts";
export { ReRope } from "./methods/rerope.ts";
export {
  type LinearRopeScaling,
  type Llama3RopeScaling,
  type RopeScaling,
  type RopeSpec,
  type RotaryAngles,
  rotaryFrequencies,
  rotaryTable,
} from "./attend/rotary_frequencies.ts";
export { RecentQueries } from "./memory/recent_queries.ts";
export { RotationTable } from "./attend/rotation_table.ts";
export { defineScorer, isOwnScoring, type OwnScorer, type OwnScoring, type ScoresAt } from "./selection/own_scorer.ts";
export { type PageRange, pageRanges } from "./cache/page_ranges.ts";
export type { SavedState, SequenceState } from "./memory/saved_state.ts";
export type { Schema, SchemaResult } from "./knobs/schema.ts";
export { type Scoring, scorings } from "./knobs/scoring.ts";
export { SelfExtend } from "./methods/self_extend.ts";
export { SlidingWindow } from "./methods/sliding_window.ts";
export type { AttentionShape } from "./shape.ts";
export {
  type AttendCall,
  type AttendedTokens,
  AttentionStep,
  type AttentionWatch,
  type AwaitedAttention,
  type BroughtVectors,
  type ChangedAttention,
  describeStep,
  type Phase,
  type Selection,
  type StepAbout,
  type StepContext,
  type StepLayout,
  type StepMethod,
  type StepRecorder,
  type StepShape,
  type TopTokens,
} from "./step.ts";
export { StreamingAttention } from "./methods/streaming.ts";
export { Trace } from "./inspection/trace.ts";
export type { TraceGroup, TraceLayer, TracePick, TraceStep } from "./inspection/trace_step.ts";
export { Yarn } from "./methods/yarn.ts";
export { AllTokens } from "./methods/all_tokens.ts";
export { appendRandom } from "./cache/append_random.ts";
export { attendFromHost, keepOutside, type StepVectors } from "./attend/attend_from_host.ts";
export { attendOuter, attendOver, listOuter } from "./attend/attend.ts";
export { listAttended } from "./attend/list_attended.ts";
export { attendPicked, selectBlocks, selectOnHost } from "./selection/block_selection.ts";
export { Evicting, type EvictingStep } from "./methods/evicting.ts";
export { H2o } from "./methods/h2o.ts";
export { InfLlm } from "./methods/infllm.ts";
export type { KeptVersion } from "./memory/kept_tokens.ts";
export { LongHeads } from "./methods/long_heads.ts";
export { OracleSpans, type SpanPair } from "./methods/oracle_spans.ts";
export { outerLayout } from "./attend/outer_layout.ts";
export { Quest } from "./methods/quest.ts";
export { RandomSpans } from "./methods/random_spans.ts";
export { SnapKv } from "./methods/snap_kv.ts";
export { TokenSelect } from "./methods/token_select.ts";
