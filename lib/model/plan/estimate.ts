import { appendRandom, type AttentionMethod, KeyValueCache, type StepShape } from "../../attention/mod.ts";
import { type Device, GpuError } from "../../gpu/mod.ts";
import type { ModelConfig } from "../config/config.ts";
import { Decoder } from "../decoder/decoder.ts";
import { DecoderWeights } from "../weights/decoder_weights.ts";
import { Model } from "../model.ts";
import { promptSteps } from "../decoder/prompt_steps.ts";
import { Stepper } from "../decoder/stepper.ts";
import { BlankWeights, randomBlock } from "./blank_weights.ts";
import type { RunToCount } from "./count_run.ts";
import { timeSteps } from "./time_steps.ts";
import { duration, grouped } from "./words.ts";

/** How long a run will take. */
export interface TimeEstimate {
  /** Seconds to read the context; NaN where it could not be calibrated. */
  readonly prefillSeconds: number;
  /** Seconds a token of the answer, at the context's end. */
  readonly tokenSeconds: number;
  /** The same in words, and how it was found. */
  readonly text: string;
}

/** Seconds that a step takes, as a line over the tokens that it reads. */
interface Line {
  readonly seconds: number;
  readonly secondsPerToken: number;
}

/** Weights of the layers that are timed, at most (one layer is timed whatever it has). */
const MOST_WEIGHTS = { software: 2 ** 25, gpu: 2 ** 29 };
/** Weights of an output head that is timed whole, and the vocabulary that stands in for a larger one. */
const SMALL_HEAD = { weights: 2 ** 24, vocabulary: 4096 };
/** Most rows of a chunk that is timed on a software adapter. */
const SOFTWARE_ROWS = 64;
/** Tokens cached when steps are timed, as multiples of the most that a step attends to. */
const LENGTHS = { software: [2, 32], gpu: [32, 2048] };
/** Bytes of keys and values that are cached at most when steps are timed. */
const MOST_CACHED = { software: 2 ** 28, gpu: 2 ** 31 };

/**
 * Estimates a run's time. Layers of the model's sizes with random weights, all of a small model's and as many of a large one's as can be
 * loaded fast, are timed on the device: a chunk and a decode step, each with two lengths of random keys and values in the cache. A line
 * through both gives a step's time by the tokens that it scores and attends to; it is summed over the run's steps, times the layers
 * that were not timed, and the rest of the output head is added by its number of weights.
 */
export async function estimateTime(
  device: Device,
  config: ModelConfig,
  method: AttentionMethod,
  run: RunToCount,
): Promise<TimeEstimate> {
  const start = performance.now();
  try {
    const timed = timedPart(device, config);
    const weights = await DecoderWeights.load(device, timed, new BlankWeights(timed, randomBlock()), {
      type: run.weights,
    });
    using model = new Model(timed, undefined, new Decoder(device, timed, weights));
    const [short, long] = timedLengths(device, timed, method, run);
    const { chunkSize } = method.knobs;
    const rows = device.info.software ? Math.min(chunkSize, SOFTWARE_ROWS) : chunkSize;
    // Of a run's last layer nothing but keys and values is wanted until the answer: little of many layers, and much of few.
    const fills = timed.layers === config.layers;
    const chunk = await timeLine(model, method, run, { rows, fills }, [short, long]);
    const single = await timeLine(model, method, run, { rows: 1, fills: false }, [short, long]);
    const layers = config.layers / timed.layers;
    const headWeights = config.hiddenSize * (config.vocabularySize - timed.vocabularySize);
    const head = single.seconds / timed.layers * headWeights / layerWeights(config);
    const prefillSeconds = layers * sumOfSteps(method, run.length, chunk, rows);
    const last = shapeAt(run.length + 1, 1);
    const tokenSeconds = layers * (single.seconds + single.secondsPerToken * tokensRead(method, last)) + head;
    const text =
      `About ${duration(prefillSeconds)} to read the context and ${duration(tokenSeconds)} a token after it: ` +
      `steps of ${timed.layers} of ${config.layers} layers timed at ${grouped(short)} and ${grouped(long)} tokens ` +
      `(${duration((performance.now() - start) / 1000)}), a line through both.`;
    return { prefillSeconds, tokenSeconds, text };
  } catch (error) {
    if (!(error instanceof GpuError)) throw error;
    return { prefillSeconds: NaN, tokenSeconds: NaN, text: `No time: calibrating failed (${error.message})` };
  }
}

/** The model with as many layers as are timed, and as much of its output head. */
function timedPart({ info }: Device, config: ModelConfig): ModelConfig {
  const weights = info.software ? MOST_WEIGHTS.software : MOST_WEIGHTS.gpu;
  const layers = Math.max(1, Math.min(config.layers, Math.floor(weights / layerWeights(config))));
  const { hiddenSize, vocabularySize } = config;
  const whole = hiddenSize * vocabularySize <= SMALL_HEAD.weights;
  return { ...config, layers, vocabularySize: whole ? vocabularySize : SMALL_HEAD.vocabulary };
}

/** Tokens that a step scores or attends to, in each head and row. */
function tokensRead(method: AttentionMethod, shape: StepShape): number {
  return (method.scoredKeys?.(shape) ?? 0) + method.scopeBound(shape);
}

function shapeAt(length: number, rows: number, first = false): StepShape {
  return { length, rows, phase: rows === 1 ? "decode" : "prefill", first, questionStart: rows === 1 ? 0 : undefined };
}

function timedLengths(
  { info }: Device,
  { layers, keyValueHeads, headSize }: ModelConfig,
  method: AttentionMethod,
  { length }: RunToCount,
): [number, number] {
  const { globalSize, window, recallClip, spanSize, chunkSize } = method.knobs;
  const scope = globalSize + window + Math.max(0, recallClip) * spanSize;
  const [short, long] = info.software ? LENGTHS.software : LENGTHS.gpu;
  const bytes = info.software ? MOST_CACHED.software : MOST_CACHED.gpu;
  const most = Math.floor(bytes / (8 * layers * keyValueHeads * headSize));
  const last = Math.max(2, Math.min(length, long * scope, Math.max(most, 4 * scope)));
  // Far enough apart that the line's slope is more than noise.
  return [Math.max(1, Math.min(last - chunkSize, short * scope, Math.ceil(last / 4))), last];
}

async function timeLine(
  model: Model,
  method: AttentionMethod,
  { cache: options }: RunToCount,
  { rows, fills }: { readonly rows: number; readonly fills: boolean },
  lengths: readonly [number, number],
): Promise<Line> {
  const { device } = model.decoder;
  using cache = new KeyValueCache(device, model.decoder.attentionShape, options);
  // In one piece, as a run's: kernels run once for each piece of a cache that grew.
  cache.reserve(lengths[1] + rows);
  using stepper = new Stepper(model, method, cache);
  const points: { read: number; seconds: number }[] = [];
  for (const length of lengths) {
    await appendRandom(cache, Math.max(0, length - cache.lengths[0]));
    const seconds = await timeSteps(stepper, rows, { fills, reads: rows === 1 });
    points.push({ read: tokensRead(method, shapeAt(length + rows, rows)), seconds });
  }
  const [short, long] = points;
  const secondsPerToken = long.read > short.read
    ? Math.max(0, (long.seconds - short.seconds) / (long.read - short.read))
    : 0;
  return { seconds: Math.max(0, short.seconds - secondsPerToken * short.read), secondsPerToken };
}

function sumOfSteps(method: AttentionMethod, length: number, line: Line, timedRows: number): number {
  let [done, seconds] = [0, 0];
  for (const { rows, first } of promptSteps(length, 0, method.knobs)) {
    done += rows;
    const read = tokensRead(method, shapeAt(done, rows, first));
    seconds += rows / timedRows * (line.seconds + line.secondsPerToken * read);
  }
  return seconds;
}

/** Weights of a layer's matrices. */
function layerWeights({ hiddenSize, intermediateSize, queryHeads, keyValueHeads, headSize }: ModelConfig): number {
  return hiddenSize * (2 * queryHeads * headSize + 2 * keyValueHeads * headSize + 3 * intermediateSize);
}
