import { Tokenizer } from "@huggingface/tokenizers";
import * as z from "../../zod.ts";
import { type ChatMessage, type ChatOptions, ChatTemplates } from "./chat_template.ts";
import { fileExists, fileInside, readText } from "../../platform.ts";
import { ModelFileError, parseJson } from "../model_file_error.ts";
import { TextStream } from "./text_stream.ts";

/** How text becomes tokens. */
export interface EncodeOptions {
  /** Adds what the tokenizer puts around a text, such as a token for its start. Default true. */
  readonly addSpecialTokens?: boolean;
}

/** How tokens become text. */
export interface DecodeOptions {
  /** Leaves out special tokens, such as those for a text's start and end. Default false. */
  readonly skipSpecialTokens?: boolean;
}

interface TokenizerFile {
  model: { type: string; vocab: unknown; unk_token?: string | null };
  added_tokens?: unknown[] | null;
}

const modelTypes = ["BPE", "WordPiece", "Unigram", "WordLevel"] as const;

// Only what decides whether the library can run it: it takes any object and fails at the first text otherwise.
const fileSchema: z.ZodMiniType<TokenizerFile> = z.looseObject({
  model: z.looseObject({
    type: z.enum(modelTypes, {
      error: ({ input }) => `must be one of ${modelTypes.join(", ")}, not ${JSON.stringify(input)}`,
    }),
    vocab: z.union([z.record(z.string(), z.number()), z.array(z.unknown())], "must hold the tokens"),
    unk_token: z.nullish(z.string("must be a token")),
  }, "must be an object"),
  added_tokens: z.nullish(z.array(z.unknown(), "must be a list")),
}, "must be an object");

/**
 * A model's tokenizer, from its tokenizer.json.
 *
 * @example
 * ```ts
 * import { ModelTokenizer } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const vocab = { "?": 0, long: 1, context: 2 };
 * const tokenizer = ModelTokenizer.fromJson({
 *   model: { type: "WordLevel", vocab, unk_token: "?" },
 *   pre_tokenizer: { type: "WhitespaceSplit" },
 * });
 * assertEquals(tokenizer.encode("long context"), [1, 2]);
 * assertEquals(tokenizer.decode([1, 2]), "long context");
 * ```
 */
export class ModelTokenizer {
  readonly #tokenizer: Tokenizer;
  readonly #texts: readonly (string | undefined)[];
  readonly #chat: ChatTemplates;

  private constructor(tokenizer: Tokenizer, chat: ChatTemplates) {
    this.#tokenizer = tokenizer;
    this.#chat = chat;
    this.#texts = tokenizer.model?.vocab ?? [];
  }

  /**
   * Builds a tokenizer.
   *
   * @param tokenizerJson the parsed tokenizer.json
   * @param tokenizerConfig the parsed tokenizer_config.json, where there is one
   * @param chatTemplate text of chat_template.jinja, where there is one
   * @throws {ModelFileError} if it is no tokenizer that can be run.
   */
  static fromJson(tokenizerJson: unknown, tokenizerConfig: unknown = {}, chatTemplate?: string): ModelTokenizer {
    const file = checkedIn("tokenizer.json", tokenizerJson, fileSchema);
    const config = checkedIn("tokenizer_config.json", tokenizerConfig, z.looseObject({}, "must be an object"));
    // The library wants every field present, and looks for a word-level model's unknown token in the config only.
    const parts = { decoder: null, post_processor: null, pre_tokenizer: null, normalizer: null };
    const complete = { ...parts, ...file, added_tokens: file.added_tokens ?? [] };
    const unknown = file.model.unk_token ?? undefined;
    try {
      return new ModelTokenizer(
        new Tokenizer(complete, unknown === undefined ? config : { ...config, unk_token: unknown }),
        new ChatTemplates(config, chatTemplate),
      );
    } catch (error) {
      if (error instanceof ModelFileError) throw error;
      throw new ModelFileError(`tokenizer.json: can't be run: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Tokens of the vocabulary, added ones included: one more than the highest id. */
  get vocabularySize(): number {
    return this.#texts.length;
  }

  /**
   * The tokens of a text.
   *
   * @throws {RangeError} if the vocabulary has no token for a part of it, and none for what is unknown.
   */
  encode(text: string, { addSpecialTokens = true }: EncodeOptions = {}): number[] {
    const { ids, tokens } = this.#tokenizer.encode(text, { add_special_tokens: addSpecialTokens });
    const unknown = ids.findIndex((id) => !Number.isInteger(id));
    if (unknown === -1) return ids;
    throw new RangeError(
      `encode: the vocabulary has no token for ${JSON.stringify(tokens[unknown])}, and none for unknown text`,
    );
  }

  /**
   * The text of tokens in order. Nothing is tidied up: blanks before punctuation stay as the tokens have them. Where the
   * tokenizer says nothing of how tokens are joined, one blank comes between them.
   *
   * @throws {RangeError} if an id is not of the vocabulary.
   */
  decode(ids: readonly number[], { skipSpecialTokens = false }: DecodeOptions = {}): string {
    for (const id of ids) this.#check(id);
    if (ids.length === 0) return "";
    const options = { skip_special_tokens: skipSpecialTokens, clean_up_tokenization_spaces: false };
    return this.#tokenizer.decode([...ids], options);
  }

  /**
   * A conversation as the text that the model was trained on, by its own chat template (tokenizer_config.json or
   * chat_template.jinja).
   *
   * @throws {RangeError} where the model has no such template, or it refuses the conversation.
   *
   * @example
   * ```ts
   * import { ModelTokenizer } from "@reattention/toolkit/model";
   * import { assertEquals } from "@std/assert";
   *
   * const json = { model: { type: "WordLevel", vocab: { "?": 0 }, unk_token: "?" } };
   * const chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}" +
   *   "{% if add_generation_prompt %}<assistant>{% endif %}";
   * const tokenizer = ModelTokenizer.fromJson(json, { chat_template });
   * assertEquals(tokenizer.chatText([{ role: "user", content: "Hello" }]), "<user>Hello<assistant>");
   * ```
   */
  chatText(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    return this.#chat.render(messages, options);
  }

  /** A conversation's tokens; the template itself writes what stands around a text, so nothing is added. */
  encodeChat(messages: readonly ChatMessage[], options: ChatOptions = {}): number[] {
    return this.encode(this.chatText(messages, options), { addSpecialTokens: false });
  }

  /**
   * One token's text on its own; a part of a character shows as a replacement character.
   *
   * @throws {RangeError} if the id is not of the vocabulary.
   */
  tokenText(id: number): string {
    return this.decode([id]);
  }

  /** The id of a token by its exact spelling in the vocabulary, such as "<s>"; undefined where there is none. */
  tokenId(token: string): number | undefined {
    return this.#tokenizer.token_to_id(token);
  }

  /** Turns tokens that come one by one into pieces of text. */
  textStream(options: DecodeOptions = {}): TextStream {
    return new TextStream({ decode: (ids) => this.decode(ids, options) });
  }

  #check(id: number): void {
    if (this.#texts[id] !== undefined) return;
    throw new RangeError(`decode: token ${id} is not of the vocabulary of ${this.vocabularySize}`);
  }
}

function checkedIn<T>(file: string, value: unknown, schema: z.ZodMiniType<T>): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0];
  throw new ModelFileError(`${file}: ${[path.join("."), message].filter(Boolean).join(" ")}`);
}

/**
 * Loads a model's tokenizer: tokenizer.json, with tokenizer_config.json and chat_template.jinja where they are there.
 *
 * @param folder the model's folder, a local path or a URL
 * @throws {ModelFileError} if a file is no JSON, or no tokenizer that can be run.
 * @throws {PlatformError} if tokenizer.json is missing or can't be read.
 *
 * @example
 * ```ts
 * import { loadTokenizer } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const model = { type: "WordLevel", vocab: { "?": 0, long: 1, context: 2 }, unk_token: "?" };
 * const json = JSON.stringify({ model, pre_tokenizer: { type: "WhitespaceSplit" } });
 * await Deno.writeTextFile(`${folder}/tokenizer.json`, json);
 * const tokenizer = await loadTokenizer(folder);
 * assertEquals(tokenizer.encode("long context"), [1, 2]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function loadTokenizer(folder: string | URL): Promise<ModelTokenizer> {
  const tokenizer = parseJson(await readText(fileInside(folder, "tokenizer.json")), "tokenizer.json");
  const config = await textIfThere(fileInside(folder, "tokenizer_config.json"));
  const template = await textIfThere(fileInside(folder, "chat_template.jinja"));
  return ModelTokenizer.fromJson(
    tokenizer,
    config === undefined ? {} : parseJson(config, "tokenizer_config.json"),
    template,
  );
}

async function textIfThere(file: string | URL): Promise<string | undefined> {
  return await fileExists(file) ? await readText(file) : undefined;
}
