/**
 * The attention layer: knobs, the paged KV cache, selection, one file per method behind one interface, and the trace.
 *
 * @module
 */
export { type AttendedChange, AttendedEdit, type TokenSpan } from "./attended_edit.ts";
export { AttentionProbe, type ProbedLayer } from "./attention_probe.ts";
export { entropyOf, type HeadAttention } from "./head_attention.ts";
export { FullAttention } from "./full.ts";
export { type Knobs, knobsSchema, paperKnobs, presets, resolveKnobs, selectedScope } from "./knobs.ts";
export { type HeadRecall, headRecall, type HeadVotes } from "./head_votes.ts";
export { type InsideHead, type InsideLayer, type InsideStep, readInside, type ScoresAlong } from "./inside.ts";
export { CachedSequence } from "./cached_sequence.ts";
export { HeldSelection, type HeldShape, type LayerPicks } from "./held_selection.ts";
export { type CacheOptions, KeyValueCache } from "./kv_cache.ts";
export type { InsideOptions } from "./layer_reading.ts";
export { LayeredAttention } from "./layered.ts";
export type { AttentionMethod, MethodName } from "./method.ts";
export { createMethod, methodNames } from "./methods.ts";
export { type PageOptions, PagePool, type Slab, type StorageType } from "./page_pool.ts";
export { ReAttention } from "./reattention.ts";
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
export type { Schema, SchemaResult } from "./schema.ts";
export { type Scoring, scorings } from "./scoring.ts";
export type { AttentionShape } from "./shape.ts";
export {
  type AttendCall,
  type AttendedTokens,
  AttentionStep,
  type AttentionWatch,
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
export { Trace, type TraceGroup, type TraceLayer, type TracePick, type TraceStep } from "./trace.ts";
