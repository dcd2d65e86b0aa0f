import { type AttentionShape, type CacheOptions, KeyValueCache } from "../attention/mod.ts";
import { displaySymbol } from "../notebook/mod.ts";
import type { ModelConfig } from "./config/config.ts";
import type { Decoder } from "./decoder/decoder.ts";
import { methodFor, type MethodOptions } from "./session/session_method.ts";
import { SequenceReader } from "./session/sequence_reader.ts";
import { Session } from "./session/session.ts";
import { CheckedReader } from "./saved/checked_file.ts";
import { checkMethod, checkModel } from "./saved/identity.ts";
import { restoreOptions } from "./saved/restore_options.ts";
import { type RestoreProgress, restoreSequence } from "./saved/restore_session.ts";
import { showModel } from "./show_model.ts";
import { SessionBatch } from "./session/session_batch.ts";
import type { ModelTokenizer } from "./text/tokenizer.ts";

/** How a session attends and what it keeps. */
export interface SessionOptions extends MethodOptions {
  /** Records what each layer selects; read with `session.readTrace()`. Default false. */
  trace?: boolean;
  /** Page size and storage types of the cache. */
  cache?: Omit<CacheOptions, "batch">;
}

/**
 * A loaded model: configuration, tokenizer and weights on the GPU.
 *
 * @example A model of weights that were loaded one by one
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Decoder, DecoderWeights, loadConfig, Model, openWeights } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * const config = await loadConfig("demo");
 * const folder = new URL("demo/", import.meta.resolve("@reattention/toolkit/model"));
 * const weights = await DecoderWeights.load(device, config, await openWeights(folder));
 * using model = new Model(config, undefined, new Decoder(device, config, weights)); // no tokenizer: token ids only
 * using session = model.createSession();
 * await session.append([1, 2, 3]);
 * assertEquals(session.tokens, [1, 2, 3]);
 * ```
 */
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

  /**
   * A session as it was when it was saved (`session.save`): it goes on with the same tokens and gives bit for bit what the saved one
   * would, on the same kind of adapter. Method, knobs and storage are the file's; where options name them, they must be the same. Methods
   * of your own, and layers that differ, have to be given.
   *
   * Keys and values lie where the saved session's did, or elsewhere: `cache: { keysOn, valuesOn, valuesFile }` chooses the GPU, host
   * memory or files of its own for each restored session. Outside the GPU they are f32, so that those stored as f16 or int8 are restored
   * to the GPU alone. Keys that lay outside follow the values where `keysOn` is not given.
   *
   * @throws {SavedSessionError} for a file that is none, of another version, cut off or damaged, or that was saved with
   * another model, method, knobs or storage, or values that can't lie where options want them; it says what differs.
   * @throws {RangeError} for a method that reads values, or keys, in order to select, where these would lie outside the GPU.
   * @throws {PlatformError} where the file can't be read, or a file for values not be written.
   * @throws {MemoryBudgetError} where memory, or the disk of a file for values, can't hold the cache.
   *
   * @example
   * ```ts
   * import { Device } from "@reattention/toolkit/gpu";
   * import { loadModel } from "@reattention/toolkit/model";
   * import { assertEquals } from "@std/assert";
   *
   * using device = await Device.open();
   * using model = await loadModel("demo", { device });
   * const folder = await Deno.makeTempDir();
   * using session = model.createSession({ method: "reattention-window" });
   * await session.append("It rained all day. The secret code of Zena is 482 913. Then it snowed.");
   * await session.save(`${folder}/rain.session`);
   * using restored = await model.restore(`${folder}/rain.session`);
   * const question = " Question: What is the secret code of Zena? Answer: The secret code of Zena is";
   * assertEquals(await restored.answer(question, { maxTokens: 2 }), " 482 913");
   * await Deno.remove(folder, { recursive: true });
   * ```
   */
  async restore(path: string, options: SessionOptions & RestoreProgress = {}): Promise<Session> {
    const file = await CheckedReader.open(path);
    const { header } = file;
    checkModel(path, header, this.config, this.decoder.weightsHash);
    const wanted = restoreOptions(path, header, options);
    checkMethod(path, header, methodFor(this, wanted));
    const reader = this.#read(wanted, (shape) => new KeyValueCache(this.decoder.device, shape, wanted.cache));
    try {
      await restoreSequence(reader, file, options);
      return new Session(reader);
    } catch (error) {
      reader[Symbol.dispose]();
      throw error;
    }
  }

  #read(options: SessionOptions, makeCache: (shape: AttentionShape) => KeyValueCache): SequenceReader {
    const method = methodFor(this, options);
    const cache = makeCache(this.decoder.attentionShape);
    try {
      return new SequenceReader(this, method, cache, { trace: options.trace ?? false });
    } catch (error) {
      cache[Symbol.dispose]();
      throw error;
    }
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
