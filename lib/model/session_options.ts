import type { ModelConfig } from "./config.ts";
import type { Decoder } from "./decoder.ts";
import type { SamplingOptions } from "./sampling_options.ts";
import type { ModelTokenizer } from "./tokenizer.ts";

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
  /** Called after each chunk with the tokens done and the tokens in all. */
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
