import { KeyValueCache } from "../../attention/mod.ts";
import { type Device, LimitExceededError, type MemoryFigure } from "../../gpu/mod.ts";
import { Tensor } from "../../tensor/mod.ts";
import type { ModelConfig } from "../config/config.ts";
import { Decoder } from "../decoder/decoder.ts";
import { DecoderWeights, type WeightType } from "../weights/decoder_weights.ts";
import { Model, type SessionOptions } from "../model.ts";
import { promptSteps } from "../decoder/prompt_steps.ts";
import { Sampler } from "../decoder/sampler.ts";
import { checkGeneration } from "../session/session_options.ts";
import { SequenceReader } from "../session/sequence_reader.ts";
import { methodFor } from "../session/session_method.ts";
import { BlankWeights } from "./blank_weights.ts";

/** A run: a context read, an answer written. */
export interface RunToCount extends SessionOptions {
  /** Tokens of the context. */
  readonly length: number;
  /** Tokens of the answer. */
  readonly answer: number;
  /** Type of the matrices on the GPU. */
  readonly weights: WeightType;
}

/** What a run leaves in a device's ledger. */
export interface CountedBytes {
  /** Bytes that stay while the run lasts, by label, at its end. */
  readonly resident: readonly MemoryFigure[];
  /** Most bytes at once, from the loaded weights on. */
  readonly peak: number;
  /** Most bytes at once while the weights were loaded. */
  readonly loadingPeak: number;
  /** Bytes outside the GPU, in host memory or in a file. */
  readonly outside: { readonly keys: number; readonly values: number };
  /** Why the run can't be, where the adapter can't bind or hold one of its tensors: what is counted then ends there. */
  readonly refusal?: string;
}

/** Steps at either end of the context that are counted; those between take what the last ones do, or less. */
const COUNTED_STEPS = 2;
/** First steps of an answer that are counted. */
const ANSWER_STEPS = 32;

/**
 * Runs a model of a config on a counting device, and tells what the ledger says: the very code of a run, so that plan and run can't
 * differ. Of a long context only the first and last steps are made, unless a method keeps something of each step.
 *
 * @throws {RangeError} for knobs that a session refuses.
 */
export async function countRun(device: Device, config: ModelConfig, run: RunToCount): Promise<CountedBytes> {
  using counting = device.counting();
  const { memory } = counting;
  const weights = await DecoderWeights.load(counting, config, new BlankWeights(config), { type: run.weights });
  using model = new Model(config, undefined, new Decoder(counting, config, weights));
  const loadingPeak = memory.peakBytes;
  memory.resetPeak();
  const method = methodFor(model, run);
  const cache = new KeyValueCache(counting, model.decoder.attentionShape, run.cache);
  using reader = new SequenceReader(model, method, cache, { trace: run.trace ?? false });
  let refusal: string | undefined;
  try {
    await readContext(reader, run.length);
    await writeAnswer(reader, run.answer);
  } catch (error) {
    if (!(error instanceof LimitExceededError)) throw error;
    refusal = error.message;
  }
  const resident = memory.figures().filter(({ liveBytes }) => liveBytes > 0);
  const { pool, sequences: [{ pages }] } = cache;
  const outsideBytes = (what: "keys" | "values") => {
    return pages.length * model.config.layers * (pool.outside[what]?.pageBytes ?? 0);
  };
  const outside = { keys: outsideBytes("keys"), values: outsideBytes("values") };
  return { resident, peak: memory.peakBytes, loadingPeak, outside, ...(refusal && { refusal }) };
}

async function readContext(reader: SequenceReader, length: number): Promise<void> {
  const { stepper, cache } = reader;
  cache.reserve(length);
  const steps = promptSteps(length, 0, stepper.method.knobs);
  for (const [index, { rows, first }] of steps.entries()) {
    const atAnEnd = index < COUNTED_STEPS || index >= steps.length - COUNTED_STEPS || first !== steps[index - 1].first;
    if (!atAnEnd && !keepsOfEachStep(reader)) {
      cache.extend(rows);
      continue;
    }
    using ids = Tensor.from(cache.device, new Uint32Array(rows), [1, rows]);
    const phase = rows === 1 && !first ? "decode" : "prefill";
    using _hidden = await stepper.step(ids, { phase, first, questionStart: undefined });
  }
}

function keepsOfEachStep({ cache, trace }: SequenceReader): boolean {
  return trace !== undefined || cache.sequences.some(({ memoryBytes }) => memoryBytes > 0);
}

async function writeAnswer(reader: SequenceReader, tokens: number): Promise<void> {
  const { stepper, cache, length } = reader;
  const { decoder, config } = stepper.model;
  using sampler = new Sampler(cache.device, 1, tokens, checkGeneration({ maxTokens: tokens }, config).sampling);
  for (let step = 0; step < tokens; step++) {
    // Between the first steps and the last the cache grows, and nothing else.
    if (step >= ANSWER_STEPS && step < tokens - COUNTED_STEPS && !keepsOfEachStep(reader)) {
      cache.extend(1);
      continue;
    }
    const about = { phase: "decode", first: false, questionStart: length } as const;
    using hidden = await stepper.step(sampler.next, about);
    using logits = decoder.logits(hidden);
    sampler.choose(logits);
  }
}
