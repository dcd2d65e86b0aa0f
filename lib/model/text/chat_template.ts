import { Template } from "@huggingface/jinja";
import * as z from "../../zod.ts";
import { ModelFileError } from "../model_file_error.ts";

/** One turn of a conversation. */
export interface ChatMessage {
  /** Who speaks: "system", "user", "assistant", or what else the template knows. */
  role: string;
  /** What is said. */
  content: string;
  /** Anything else that the template looks at, such as tool calls. */
  [field: string]: unknown;
}

/** How a conversation is written out. */
export interface ChatOptions {
  /** Ends with what begins the assistant's turn. Default true. */
  addGenerationPrompt?: boolean;
  /** Which of several templates, by name. Default "default". */
  template?: string;
  /** Variables for the template besides the usual ones, such as `tools` or `enable_thinking`. */
  variables?: Readonly<Record<string, unknown>>;
}

const token = z.union([z.string(), z.pipe(z.object({ content: z.string() }), z.transform(({ content }) => content))]);
const SPECIAL = ["bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token"] as const;

interface TemplateConfig {
  chat_template?: string | { name: string; template: string }[] | null;
  [field: string]: unknown;
}

const named = z.array(z.object({ name: z.string(), template: z.string() }));
const schema: z.ZodMiniType<TemplateConfig> = z.looseObject({
  chat_template: z.nullish(z.union([z.string(), named], "must be a template, or a list of them with names")),
});

/**
 * A model's way of writing a conversation as one text: the Jinja templates of its tokenizer_config.json.
 *
 * @example
 * ```ts
 * import { ChatTemplates } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const chat_template = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}";
 * const templates = new ChatTemplates({ chat_template, eos_token: "</s>" });
 * assertEquals(templates.names, ["default"]);
 * assertEquals(templates.render([{ role: "user", content: "Hello" }]), "<user>Hello</s>");
 * ```
 */
export class ChatTemplates {
  readonly #sources: ReadonlyMap<string, string>;
  readonly #special: Readonly<Record<string, string>>;

  /**
   * Reads the templates; they are compiled when they are used.
   *
   * @param tokenizerConfig the parsed tokenizer_config.json
   * @param file text of chat_template.jinja, which newer models have beside it
   * @throws {ModelFileError} if the field chat_template is neither a template nor a list of them.
   */
  constructor(tokenizerConfig: unknown, file?: string) {
    const parsed = schema.safeParse(tokenizerConfig);
    if (!parsed.success) {
      throw new ModelFileError(`tokenizer_config.json: chat_template ${parsed.error.issues[0].message}`);
    }
    const { chat_template: found } = parsed.data;
    const listed = typeof found === "string" ? [{ name: "default", template: found }] : found ?? [];
    this.#sources = new Map(listed.map(({ name, template }) => [name, template]));
    if (file !== undefined) this.#sources = new Map([...this.#sources, ["default", file]]);
    this.#special = Object.fromEntries(SPECIAL.flatMap((name) => {
      const value = token.safeParse(parsed.data[name]);
      return value.success ? [[name, value.data]] : [];
    }));
  }

  /** Names of the templates. */
  get names(): string[] {
    return [...this.#sources.keys()];
  }

  /**
   * A conversation as the text that the model was trained on.
   *
   * @throws {RangeError} where there is no such template, or it refuses the conversation, in its words.
   */
  render(messages: readonly ChatMessage[], options: ChatOptions = {}): string {
    const { addGenerationPrompt = true, template: name = "default", variables } = options;
    const source = this.#sources.get(name);
    if (source === undefined) {
      const known = this.names.length
        ? `it has ${this.names.join(", ")}`
        : "it has none: write the prompt as plain text";
      throw new RangeError(`chat: this model has no chat template "${name}"; ${known}`);
    }
    try {
      const given = { messages, add_generation_prompt: addGenerationPrompt, ...this.#special, ...variables };
      return new Template(source).render(given);
    } catch (error) {
      throw new RangeError(`chat: the model's template "${name}" says: ${(error as Error).message}`, { cause: error });
    }
  }
}
