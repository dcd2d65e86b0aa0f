import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { answer, startSession, type WrittenStep } from "../../../experiments/explorer/page/answer.ts";
import { contextOf } from "../../../experiments/explorer/page/context.ts";
import { readCase } from "../../../experiments/explorer/page/explorer_case.ts";
import { Device } from "../../../lib/gpu/mod.ts";
import { loadModel } from "../../../lib/model/mod.ts";
import { answered, faintTexts, newest, onPage, ready, until } from "./opened_page.ts";

/** What Deno answers to the link's case. */
async function answerHere(link: string) {
  const asked = readCase(new URLSearchParams(link));
  using device = await Device.open();
  using model = await loadModel("demo", { device });
  using session = startSession(model, asked);
  const context = await contextOf(model.tokenizer, asked, "");
  const streamed: number[] = [];
  const onText = (_: string, step: WrittenStep | undefined) => Promise.resolve(void streamed.push(step!.length));
  const { said, right, scope } = await answer(session, context, { onText });
  // What the page draws while the answer streams in: the step of the newest token, each time.
  assert(streamed.length > 1 && streamed.every((length, at) => at === 0 || length > streamed[at - 1]), `${streamed}`);
  return { said, right, scope };
}

onPage("a link's question at 8,192 tokens is answered right, and as Deno answers it", async ({ page, follow }) => {
  const link = "length=8192&seed=1&method=reattention-window&ask=2";
  await follow(link);
  await answered(page);
  const here = await answerHere(link);
  assertEquals(here.right, true);
  const [method, said, right, context, scope] = await newest(page);
  assertEquals([method, said, right, scope], ["reattention-window", here.said, "right", String(here.scope)]);
  assertEquals(context, "8,128");
  await until(page, `document.querySelector("#spans .main-svg") && document.querySelector("#shaded .main-svg")`);
  assertStringIncludes((await page.locator("#selectedNote").textContent())!, "Of the needle's ");
  // The value's first token was written in the step that is shown first; another one can be picked.
  const note = page.locator("#attentionNote");
  const shown = await page.locator("#step option:checked").textContent();
  const value = here.said.match(/\d+/)![0];
  assertEquals(shown!.split(": ")[1], value);
  assertStringIncludes((await note.textContent())!, `("${value}")`);
  await page.selectOption("#step", "0");
  await until(page, `!document.getElementById("attentionNote").textContent.includes('("${value}")')`);
});

onPage(
  "a question fails with full attention, and what fails and what is right can be read",
  async ({ page, follow }) => {
    await follow("length=1024&seed=1&method=full&ask=2");
    await answered(page);
    assertEquals((await newest(page)).slice(0, 3).filter((_, at) => at !== 1), ["full", "wrong"]);
    await page.selectOption("select[name=method]", "reattention-window");
    await page.locator("input[name=seed]").press("Enter");
    await answered(page, 2);
    const [method, , right] = await newest(page);
    assertEquals([method, right], ["reattention-window", "right"]);
    assertStringIncludes(page.url(), "method=reattention-window");
    assertEquals(await faintTexts(page), []);
  },
);

const hostile = `</script><script>window.broken = true</script>"'\`<img src=x onerror="window.broken=true"> The end.`;

onPage("one's own hostile text and sentence are shown as text, on a phone too", async ({ page, follow }) => {
  await follow("");
  await ready(page);
  await page.getByLabel("my own text").check();
  await page.getByRole("textbox", { name: "Paste a text" }).fill(hostile.repeat(20));
  await page.getByLabel("a sentence of mine").check();
  await page.getByRole("textbox", { name: "Sentence" }).fill(
    `The secret code of <img src=x onerror="window.broken=true"> is 482 913.`,
  );
  await page.getByRole("textbox", { name: "Question" }).fill("What is the secret code of <b>Zena</b>?");
  await page.getByRole("combobox", { name: "Length in tokens" }).fill("512");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await answered(page);
  assertStringIncludes((await page.locator("#prompt").textContent())!, "<b>Zena</b>");
  assertEquals(await page.locator("main img, #prompt b").count(), 0);
  await until(page, `document.querySelector("#spans .barlayer .point")`);
  assert(await page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth"));
  await page.emulateMedia({ colorScheme: "dark" });
  await until(page, `document.getElementById("spans").layout.paper_bgcolor === "#0d1117"`);
  await until(page, `document.querySelector("#spans .barlayer .point")`);
  assertEquals(await faintTexts(page), []);
}, { viewport: { width: 360, height: 740 } });

onPage("a wrong link says what is wrong, and the page stays usable", async ({ page, follow }) => {
  await follow("length=7&method=reattention");
  await ready(page);
  assertStringIncludes((await page.locator("#notice").textContent())!, 'length "7" must be a whole number from 256');
});

onPage("a browser without WebGPU is told so, on a dark phone without sideways scrolling", async (opened) => {
  const { page, follow } = opened;
  await page.addInitScript("delete Navigator.prototype.gpu");
  await follow("");
  await until(page, `/no WebGPU/.test(document.getElementById("notice").textContent)`);
  assertEquals(await page.locator("#run").isDisabled(), true);
  await page.locator("summary").click();
  assert(await page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth"));
  assertEquals(await page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(13, 17, 23)");
  assertEquals(await faintTexts(page), []);
  // Every field and button has a name that a screen reader can say.
  const nameless = await page.evaluate<string[]>(
    `[...document.querySelectorAll("input, select, textarea, button, [role=region], [role=img]")].filter((one) =>
      !(one.labels?.length || one.getAttribute("aria-label") || one.getAttribute("aria-labelledby") ||
        one.textContent.trim())).map((one) => one.outerHTML)`,
  );
  assertEquals(nameless, []);
}, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
