import { assertEquals, assertThrows } from "@std/assert";
import { ChatTemplates, loadTokenizer, ModelFileError } from "../../../lib/model/mod.ts";

/** A template of this test's own that uses what real ones do: loops, conditions, filters, namespaces, refusals. */
const template = `{{ bos_token }}{% set ns = namespace(turn=0) %}
{%- for message in messages %}
{%- if message['role'] == 'system' and not loop.first %}{{ raise_exception('a system message comes first') }}{% endif %}
{%- set ns.turn = ns.turn + 1 %}
{{- '[' + message['role'] | upper + ' ' + (ns.turn | string) + '] ' + message['content'] | trim + eos_token }}
{%- endfor %}
{%- if tools is defined %}{{ '(' + tools | tojson + ')' }}{% endif %}
{%- if add_generation_prompt %}{{ '[ASSISTANT] ' }}{% endif %}`;
const config = { chat_template: template, bos_token: "<s>", eos_token: { content: "</s>", lstrip: false } };
const hello = [{ role: "system", content: "Be brief." }, { role: "user", content: " Hello " }];

Deno.test("ChatTemplates writes a conversation as the model's template does", () => {
  const chat = new ChatTemplates(config);
  assertEquals(chat.render(hello), "<s>[SYSTEM 1] Be brief.</s>[USER 2] Hello</s>[ASSISTANT] ");
  assertEquals(chat.render(hello.slice(1), { addGenerationPrompt: false }), "<s>[USER 1] Hello</s>");
  const tools = [{ name: "clock" }];
  assertEquals(
    chat.render([], { addGenerationPrompt: false, variables: { tools } }),
    '<s>([{"name": "clock"}])',
  );
});

Deno.test("ChatTemplates takes named templates, and a file's before the config's", () => {
  const listed = new ChatTemplates({
    chat_template: [{ name: "default", template: "a" }, { name: "tool_use", template: "b" }],
  });
  assertEquals([listed.render([]), listed.render([], { template: "tool_use" })], ["a", "b"]);
  assertEquals(new ChatTemplates(config, "from the file").render(hello), "from the file");
});

Deno.test("ChatTemplates says what is missing, refused or wrong", () => {
  const none = new ChatTemplates({});
  assertThrows(() => none.render(hello), RangeError, 'no chat template "default"; it has none');
  const chat = new ChatTemplates(config);
  assertThrows(() => chat.render(hello, { template: "rag" }), RangeError, "it has default");
  assertThrows(() => chat.render([...hello].reverse()), RangeError, "a system message comes first");
  assertThrows(
    () => new ChatTemplates({ chat_template: "{% if %}" }).render(hello),
    RangeError,
    'template "default" says',
  );
  assertThrows(() => new ChatTemplates({ chat_template: 7 }), ModelFileError, "chat_template must be a template");
});

Deno.test("loadTokenizer reads chat_template.jinja beside the tokenizer, and encodeChat adds nothing of its own", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const vocab = { "?": 0, user: 1, hello: 2, "<s>": 3 };
    const json = { model: { type: "WordLevel", vocab, unk_token: "?" }, pre_tokenizer: { type: "WhitespaceSplit" } };
    await Deno.writeTextFile(`${folder}/tokenizer.json`, JSON.stringify(json));
    await Deno.writeTextFile(
      `${folder}/chat_template.jinja`,
      "<s> {% for m in messages %}{{ m.role }} {{ m.content }}{% endfor %}",
    );
    const tokenizer = await loadTokenizer(folder);
    assertEquals(tokenizer.encodeChat([{ role: "user", content: "hello" }]), [3, 1, 2]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
