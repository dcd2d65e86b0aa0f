import type { ModelConfig } from "../config/config.ts";
import type { Decoder } from "../decoder/decoder.ts";
import { parseSamplingOptions, type SamplingOptions } from "../decoder/sampling_options.ts";
import type { ModelTokenizer } from "../text/tokenizer.ts";

/** What a session needs of its model. */
export interface SessionModel {
  /** Sizes and options. */
  readonly config: ModelConfig;
  /** The network. */
  readonly decoder: Decoder;
  /** Its tokenizer; reading it throws where there is none. */
  readonly tokenizer: ModelTokenizer;
}

/** How a context is read. */
export interface AppendOptions {
  /** Called after each chunk with the tokens done and the tokens in all (of a stream: those that have come). */
  onProgress?: (done: number, total: number) => void;
  /** Honoured within one chunk; what was read before stays. */
  signal?: AbortSignal;
}

/** How an answer is written. */
export interface GenerateOptions {
  /** Most tokens to write. */
  maxTokens: number;
  /** How tokens are chosen. Default: the likeliest each time. */
  sampling?: Partial<SamplingOptions>;
  /** Tokens that end the answer; they are not part of it. Default: the model's end-of-text tokens. */
  stopTokens?: readonly number[];
  /** Honoured within one step. */
  signal?: AbortSignal;
}

/** Options of an answer, complete and checked. */
export interface Generation {
  /** How tokens are chosen. */
  readonly sampling: SamplingOptions;
  /** Most tokens to write. */
  readonly maxTokens: number;
  /** Tokens that end the answer. */
  readonly stops: ReadonlySet<number>;
  /** Honoured within one step. */
  readonly signal?: AbortSignal;
}

/**
 * Completes and checks the options of an answer.
 *
 * @throws {RangeError} naming the option that is wrong, its value and what would be right.
 */
export function checkGeneration(
  { maxTokens, sampling, stopTokens, signal }: GenerateOptions,
  config: ModelConfig,
): Generation {
  if (!Number.isInteger(maxTokens) || maxTokens < 1) {
    throw new RangeError(`maxTokens ${maxTokens} must be a whole number of at least 1`);
  }
  const stops = new Set(stopTokens ?? config.endOfTextIds);
  return { sampling: parseSamplingOptions(sampling ?? {}), maxTokens, stops, signal };
}
