/**
 * The attention layer: knobs, the paged KV cache, selection, one file per method behind one interface, and the trace.
 *
 * @module
 */
export { type AttendedChange, AttendedEdit, type TokenSpan } from "./attended_edit.ts";
export { AttentionProbe, type ProbedLayer } from "./attention_probe.ts";
export { entropyOf, type HeadAttention } from "./head_attention.ts";
export { DualChunk } from "./dual_chunk.ts";
export { DynamicNtk } from "./dynamic_ntk.ts";
export { FullAttention } from "./full.ts";
export { type Knobs, knobsSchema, paperKnobs, presets, resolveKnobs, selectedScope } from "./knobs.ts";
export { type HeadRecall, headRecall, type HeadVotes } from "./head_votes.ts";
export { type InsideHead, type InsideLayer, type InsideStep, readInside, type ScoresAlong } from "./inside.ts";
export { CachedSequence } from "./cached_sequence.ts";
export { HostValues } from "./host_values.ts";
export { FileValues, type FileValuesOptions, hotBytesOf, type ValuesFile } from "./file_values.ts";
export type { OutsideValues, ValuesTraffic, WantedValues } from "./outside_values.ts";
export { HeldSelection, type HeldShape, type LayerPicks } from "./held_selection.ts";
export { type CacheOptions, KeyValueCache } from "./kv_cache.ts";
export type { InsideOptions } from "./layer_reading.ts";
export { LayeredAttention } from "./layered.ts";
export { type LayerMethods, methodsByLayer } from "./layer_map.ts";
export type { LayerMemory } from "./layer_memory.ts";
export { LinearInterpolation } from "./linear_interpolation.ts";
export { LmInfinite } from "./lm_infinite.ts";
export type { AttentionMethod, MethodName } from "./method.ts";
export { createMethod, type MethodMaker, methodNames } from "./methods.ts";
export { type PageOptions, PagePool, type ValuesPlace, valuesPlaces } from "./page_pool.ts";
export type { Slab } from "./slab.ts";
export { type StorageType, storageTypes } from "./storage.ts";
export { ReAttention } from "./reattention.ts";
export {
  attendRelative,
  type CappedPositions,
  type ChunkedPositions,
  type GroupedPositions,
  type RelativeOptions,
  type RelativePositions,
} from "./relative.ts";
export { ReRope } from "./rerope.ts";
export {
  type LinearRopeScaling,
  type Llama3RopeScaling,
  type RopeScaling,
  type RopeSpec,
  type RotaryAngles,
  rotaryFrequencies,
  rotaryTable,
} from "./rotary_frequencies.ts";
export { RecentQueries } from "./recent_queries.ts";
export { RotationTable } from "./rotation_table.ts";
export { defineScorer, isOwnScoring, type OwnScorer, type OwnScoring, type ScoresAt } from "./own_scorer.ts";
export { type PageRange, pageRanges } from "./page_ranges.ts";
export type { SavedState, SequenceState } from "./saved_state.ts";
export type { Schema, SchemaResult } from "./schema.ts";
export { type Scoring, scorings } from "./scoring.ts";
export { SelfExtend } from "./self_extend.ts";
export { SlidingWindow } from "./sliding_window.ts";
export type { AttentionShape } from "./shape.ts";
export {
  type AttendCall,
  type AttendedTokens,
  AttentionStep,
  type AttentionWatch,
  type AwaitedAttention,
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
export { StreamingAttention } from "./streaming.ts";
export { Trace } from "./trace.ts";
export type { TraceGroup, TraceLayer, TracePick, TraceStep } from "./trace_step.ts";
export { Yarn } from "./yarn.ts";
export { AllTokens } from "./all_tokens.ts";
export { appendRandom } from "./append_random.ts";
export { attendFromHost, keepValues } from "./attend_from_host.ts";
export { attendOuter, attendOver, listAttended, listOuter } from "./attend.ts";
export { attendPicked, selectBlocks, selectOnHost } from "./block_selection.ts";
export { Evicting, type EvictingStep } from "./evicting.ts";
export { H2o } from "./h2o.ts";
export { InfLlm } from "./infllm.ts";
export type { KeptVersion } from "./kept_tokens.ts";
export { LongHeads } from "./long_heads.ts";
export { OracleSpans, type SpanPair } from "./oracle_spans.ts";
export { outerLayout } from "./outer_layout.ts";
export { Quest } from "./quest.ts";
export { RandomSpans } from "./random_spans.ts";
export { SnapKv } from "./snap_kv.ts";
export { TokenSelect } from "./token_select.ts";
