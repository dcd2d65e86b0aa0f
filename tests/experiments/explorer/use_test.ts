import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Page } from "playwright-core";
import { answered, newest, onPage, ready, until } from "./opened_page.ts";

const statusOf = (page: Page) => page.locator("#status").textContent();

/** Drops a file on an element, as a hand would. */
async function drop(page: Page, selector: string, { name, bytes }: { name: string; bytes: readonly number[] }) {
  const dataTransfer = await page.evaluateHandle(
    `(() => {
      const files = new DataTransfer();
      files.items.add(new File([new Uint8Array(${JSON.stringify(bytes)})], ${JSON.stringify(name)}));
      return files;
    })()`,
  );
  for (const type of ["dragover", "drop"]) await page.dispatchEvent(selector, type, { dataTransfer });
}

onPage("a text file that is dropped or chosen becomes one's own text, and no other file does", async (opened) => {
  const { page, follow } = opened;
  await follow("");
  await ready(page);
  const own = page.locator("#ownText");
  const bytes = [...new TextEncoder().encode("The colour of <b>Zoë</b>'s hat is green.")];
  await drop(page, "h1", { name: "hat <b>.txt", bytes });
  await until(page, `document.getElementById("ownText").value !== ""`);
  assertEquals(await own.inputValue(), "The colour of <b>Zoë</b>'s hat is green.");
  assertEquals(await page.getByLabel("my own text").isChecked(), true);
  assertEquals(await statusOf(page), "hat <b>.txt is read: 40 characters.");
  await drop(page, "#form", { name: "hat.png", bytes: [0x89, 0x50, 0xff] });
  await until(page, `!document.getElementById("notice").hidden`);
  assertEquals(await page.locator("#notice").textContent(), "hat.png can't be read: it is not UTF-8 text");
  assertEquals(await own.inputValue(), "The colour of <b>Zoë</b>'s hat is green.");
  await page.locator("#ownFile").setInputFiles({
    name: "a.md",
    mimeType: "text/markdown",
    buffer: Buffer.from("One."),
  });
  await until(page, `document.getElementById("ownText").value === "One."`);
  assertEquals(await page.locator("#notice").isHidden(), true);
});

onPage("Stop ends a reading, another link replaces one, and the page answers afterwards", async ({ page, follow }) => {
  const reading = `document.getElementById("progress").value > 0`;
  await follow("length=16384&method=reattention-window");
  await until(page, reading);
  await page.getByRole("button", { name: "Stop" }).press("Enter");
  await until(page, `!document.body.hasAttribute("data-busy")`);
  assertEquals(await statusOf(page), "Stopped.");
  assertEquals(await page.locator("#answers tbody tr").count(), 0);
  // Whoever stopped with the keyboard can ask again with it.
  assertEquals(await page.evaluate("document.activeElement.id"), "run");
  await page.keyboard.press("Enter");
  await until(page, reading);
  assertEquals(await page.evaluate("document.activeElement.id"), "stop");
  await page.evaluate(`location.hash = "length=512&method=full"`);
  await answered(page);
  const [method, , , context] = await newest(page);
  assertEquals([method, context], ["full", "448"]);
  assertStringIncludes((await statusOf(page))!, "Read 448 tokens");
});

onPage("a copied link gives back the case, without one's own text", async ({ page, follow }) => {
  await follow("");
  await ready(page);
  await page.getByLabel("my own text").check();
  await page.locator("#ownText").fill("A text of one's own.");
  await page.locator("summary").press("Enter");
  await page.locator("[name=seed]").fill("7");
  await page.locator("[name=k]").fill("2");
  await page.locator("[name=method]").selectOption("infllm");
  await page.getByRole("button", { name: "Copy link" }).press("Enter");
  await until(page, `document.getElementById("copied").textContent !== ""`);
  assertEquals(await page.locator("#copied").textContent(), "The link is copied. Your own text is not in it.");
  const link = await page.evaluate<string>("navigator.clipboard.readText()");
  assertEquals(link, page.url());
  await page.goto("about:blank");
  await page.goto(link);
  const fields = ["seed", "k", "method", "length"].map((name) => page.locator(`[name=${name}]`));
  assertEquals(await Promise.all(fields.map((field) => field.inputValue())), ["7", "2", "infllm", "2048"]);
  await until(page, `/paste or drop a text/.test(document.getElementById("notice").textContent)`);
}, { permissions: ["clipboard-read", "clipboard-write"] });

onPage("the keyboard reaches every control in order, and shows where it is", async ({ page, follow }) => {
  await follow("");
  await ready(page);
  const reached: string[] = [];
  const expected = ["text", "length", "seed", "needle", "ask", "method", "SUMMARY", "run", "link"];
  while (reached.length < expected.length) {
    await page.keyboard.press("Tab");
    const { name, outline } = await page.evaluate<{ name: string; outline: string }>(
      `(({ name, id, tagName }, { outlineStyle, outlineWidth }) =>
        ({ name: name || id || tagName, outline: outlineStyle + outlineWidth }))
        (document.activeElement, getComputedStyle(document.activeElement))`,
    );
    reached.push(name);
    assertEquals(outline, "solid2px", name);
  }
  assertEquals(reached, expected);
  // Arrows choose within a group; the fields of the choice come next.
  await page.getByLabel("one of four").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Tab");
  assertEquals(await page.evaluate("document.activeElement.name"), "sentence");
  await page.locator("summary").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assertEquals(await page.evaluate("document.activeElement.name"), "globalSize");
  assert(await page.getByText("leading tokens, always attended to").isVisible());
});
