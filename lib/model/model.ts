import {
  type AttentionMethod,
  type AttentionShape,
  createMethod,
  KeyValueCache,
  type Knobs,
  LayeredAttention,
  type LayerMethods,
  type MethodMaker,
  type MethodName,
  methodsByLayer,
  presets,
  resolveKnobs,
} from "../attention/mod.ts";
import { displaySymbol } from "../notebook/mod.ts";
import type { CacheOptions } from "../attention/mod.ts";
import type { ModelConfig } from "./config.ts";
import type { Decoder } from "./decoder.ts";
import { checkScopeAtAnyLength } from "./scope.ts";
import { SequenceReader } from "./sequence_reader.ts";
import { Session } from "./session.ts";
import { showModel } from "./show_model.ts";
import { SessionBatch } from "./session_batch.ts";
import type { ModelTokenizer } from "./tokenizer.ts";

/** How a session attends and what it keeps. */
export interface SessionOptions {
  /**
   * The attention method: by its name, by a name for each layer (`{ "0-1": "full", default: "reattention" }`), or one of your
   * own, as a function that makes it. Default "reattention".
   */
  method?: MethodName | LayerMethods | MethodMaker;
  /** What differs from the preset: `demo` for models trained at fewer than 8,192 tokens, `paper` otherwise. */
  knobs?: Partial<Knobs>;
  /** What differs from that in single layers, one entry for each layer (the reference's lists). Default: nothing. */
  layerKnobs?: readonly Partial<Knobs>[];
  /** Records what each layer selects; read with `session.readTrace()`. Default false. */
  trace?: boolean;
  /** Page size and storage types of the cache. */
  cache?: Omit<CacheOptions, "batch">;
}

/** A loaded model: configuration, tokenizer and weights on the GPU. */
export class Model {
  /** Sizes and options from config.json. */
  readonly config: ModelConfig;
  /** The network. */
  readonly decoder: Decoder;
  readonly #tokenizer: ModelTokenizer | undefined;

  /** Takes over the decoder. Without a tokenizer only token ids can be used. */
  constructor(config: ModelConfig, tokenizer: ModelTokenizer | undefined, decoder: Decoder) {
    this.config = config;
    this.#tokenizer = tokenizer;
    this.decoder = decoder;
  }

  /**
   * Its tokenizer.
   *
   * @throws {Error} where the model's folder has no tokenizer.json.
   */
  get tokenizer(): ModelTokenizer {
    if (this.#tokenizer) return this.#tokenizer;
    throw new Error("this model's folder has no tokenizer.json: give token ids instead of text");
  }

  /**
   * Starts a session: one context, read by one method.
   *
   * @throws {RangeError} for a method that can't run the model's sliding window, knobs that are wrong, or whose scope passes the trained context without `allowBeyondTrained`.
   */
  createSession(options: SessionOptions = {}): Session {
    return new Session(this.#read(options, (shape) => new KeyValueCache(this.decoder.device, shape, options.cache)));
  }

  /**
   * Starts several sessions whose answers are written side by side, each with a context of any length.
   *
   * @param count how many
   * @param options all of them are alike
   * @throws {RangeError} for a count that is none, or what `createSession` refuses.
   */
  createBatch(count: number, options: SessionOptions = {}): SessionBatch {
    if (!Number.isInteger(count) || count < 1) {
      throw new RangeError(`createBatch: count ${count} must be a whole number of at least 1`);
    }
    const readers: SequenceReader[] = [];
    try {
      for (let index = 0; index < count; index++) {
        readers.push(this.#read(options, (shape) => {
          return readers[0]?.cache.another() ?? new KeyValueCache(this.decoder.device, shape, options.cache);
        }));
      }
      return new SessionBatch(readers);
    } catch (error) {
      for (const reader of readers) reader[Symbol.dispose]();
      throw error;
    }
  }

  #read(options: SessionOptions, makeCache: (shape: AttentionShape) => KeyValueCache): SequenceReader {
    const preset = this.config.trainedContext < 8192 ? presets.demo : presets.paper;
    const knobs = resolveKnobs(options.knobs, preset);
    const shape = this.decoder.attentionShape;
    const method = this.#methodOf(options.method ?? "reattention", knobs, options.layerKnobs);
    this.#checkSliding(method.name);
    checkScopeAtAnyLength(method, this.config.trainedContext);
    const cache = makeCache(shape);
    try {
      return new SequenceReader(this, method, cache, { trace: options.trace ?? false });
    } catch (error) {
      cache[Symbol.dispose]();
      throw error;
    }
  }

  #methodOf(
    wanted: MethodName | LayerMethods | MethodMaker,
    knobs: Knobs,
    layerKnobs: readonly Partial<Knobs>[] | undefined,
  ): AttentionMethod {
    const { layers } = this.config;
    if (layerKnobs && layerKnobs.length !== layers) {
      throw new RangeError(
        `layerKnobs: ${layerKnobs.length} entries for a model of ${layers} layers; give one for each`,
      );
    }
    const make = (name: MethodName | MethodMaker, knobs: Knobs) => {
      const shape = this.decoder.attentionShape;
      return typeof name === "function" ? name(knobs, shape) : createMethod(name, knobs, shape);
    };
    if (typeof wanted !== "object" && !layerKnobs) return make(wanted, knobs);
    const names = typeof wanted === "object" ? methodsByLayer(wanted, layers) : new Array(layers).fill(wanted);
    const methods = new Map<string, AttentionMethod>();
    return new LayeredAttention(names.map((name: MethodName | MethodMaker, layer) => {
      const complete = resolveKnobs(layerKnobs?.[layer], knobs);
      const key = JSON.stringify([typeof name === "string" ? name : "", Object.entries(complete)]);
      const method = methods.get(key) ?? make(name, complete);
      methods.set(key, method);
      return method;
    }));
  }

  /** Methods that choose what is attended to leave no place for a window that slides inside it. */
  #checkSliding(method: AttentionMethod["name"]): void {
    const { slidingWindow, trainedContext } = this.config;
    if (slidingWindow === null || slidingWindow >= trainedContext || method === "full") return;
    throw new RangeError(
      `method "${method}": this model slides its attention over ${slidingWindow} tokens (sliding_window in its config.json), ` +
        'which only the method "full" runs',
    );
  }

  /** What a notebook shows of it: sizes, parameters, memory. */
  [displaySymbol](): Record<string, unknown> {
    return showModel(this.config, this.decoder.device.memory);
  }

  /** Frees the weights. */
  [Symbol.dispose](): void {
    this.decoder[Symbol.dispose]();
  }
}
