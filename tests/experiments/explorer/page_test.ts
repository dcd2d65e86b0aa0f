import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { buildExplorer } from "../../../experiments/explorer/build.ts";
import { answer, startSession } from "../../../experiments/explorer/page/answer.ts";
import { contextOf } from "../../../experiments/explorer/page/context.ts";
import { readCase } from "../../../experiments/explorer/page/explorer_case.ts";
import { servePage } from "../../../experiments/explorer/serve.ts";
import { Device } from "../../../lib/gpu/mod.ts";
import { loadModel } from "../../../lib/model/mod.ts";

const executablePath = [Deno.env.get("CHROMIUM") ?? "", "/usr/bin/chromium", "/usr/bin/google-chrome"].find((path) => {
  try {
    return path !== "" && Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

/** Debian's Chromium brings a software adapter, SwiftShader, which has no half floats. */
const SOFTWARE_ADAPTER = ["--no-sandbox", "--enable-unsafe-webgpu", "--enable-features=Vulkan"];
/** The test's patience, not the page's promise: machines are shared. */
const PATIENCE = 240_000;

interface Opened {
  readonly page: Page;
  readonly address: string;
  /** Goes to a case's link, as a fresh page. */
  readonly follow: (link: string) => Promise<void>;
}

/** The page as it is served, in headless Chromium; it may ask for nothing elsewhere, and nothing may complain. */
function onPage(name: string, act: (opened: Opened) => Promise<void>, options: BrowserContextOptions = {}): void {
  Deno.test({
    name,
    ignore: executablePath === undefined,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      let browser: Browser | undefined;
      let server;
      try {
        server = servePage(folder, await buildExplorer(folder), 0);
        const { address } = server;
        browser = await chromium.launch({ executablePath, args: SOFTWARE_ADAPTER });
        const page = await (await browser.newContext(options)).newPage();
        const complaints: string[] = [];
        page.on("pageerror", (error) => complaints.push(error.message));
        page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
        page.on("request", (request) => {
          if (!/^(blob|data|about):/.test(request.url()) && !request.url().startsWith(address)) {
            complaints.push(`asked for ${request.url()}`);
          }
        });
        page.on("response", (response) => response.status() >= 400 && complaints.push(`no ${response.url()}`));
        const follow = async (link: string) => {
          await page.goto("about:blank");
          await page.goto(`${address}#${link}`);
        };
        await act({ page, address, follow });
        assertEquals(complaints, []);
        assertEquals(await page.evaluate("window.broken"), undefined);
      } finally {
        await browser?.close();
        await server?.close();
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}

/** Waits until an expression is true; the page's own policy allows no waiting inside of it. */
async function until(page: Page, expression: string): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (!await page.evaluate(expression)) {
    if (Date.now() > end) {
      throw new Error(`never came true: ${expression}; the page says ${await page.locator("main").innerText()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const done = (page: Page) =>
  until(page, `document.querySelector("#answers tbody tr") && !document.body.hasAttribute("data-busy")`);
const cell = (page: Page, row: number, column: number) =>
  page.locator(`#answers tbody tr:nth-child(${row}) td:nth-child(${column})`).textContent();

/** What Deno answers to the link's case. */
async function answerHere(link: string) {
  const asked = readCase(new URLSearchParams(link));
  using device = await Device.open();
  using model = await loadModel("demo", { device });
  using session = startSession(model, asked);
  const { said, right, scope } = await answer(session, await contextOf(model.tokenizer, asked, ""));
  return { said, right, scope };
}

onPage("a link's question is answered as Deno answers it, and full attention fails at it", async ({ page, follow }) => {
  const link = "length=2048&seed=1&method=reattention-window&ask=2";
  await follow(link);
  await done(page);
  const here = await answerHere(link);
  assertEquals(here.right, true);
  assertEquals([await cell(page, 1, 3), await cell(page, 1, 4), await cell(page, 1, 5)], [
    here.said,
    "right",
    String(here.scope),
  ]);
  await until(page, `document.querySelector("#spans .main-svg") && document.querySelector("#shaded .main-svg")`);
  await page.selectOption("select[name=method]", "full");
  await page.locator("#run").press("Enter");
  await until(page, `document.querySelectorAll("#answers tbody tr").length === 2`);
  assertEquals([await cell(page, 1, 1), await cell(page, 1, 4)], ["full", "wrong"]);
  assertStringIncludes(page.url(), "method=full");
});

const hostile = `</script><script>window.broken = true</script>"'\`<img src=x onerror="window.broken=true"> The end.`;

onPage("one's own hostile text and sentence are shown as text", async ({ page, follow }) => {
  await follow("");
  await until(page, `!document.getElementById("run").disabled`);
  await page.getByLabel("my own text").check();
  await page.getByRole("textbox", { name: "Paste a text" }).fill(hostile.repeat(20));
  await page.getByLabel("a sentence of mine").check();
  await page.getByRole("textbox", { name: "Sentence" }).fill(
    `The secret code of <img src=x onerror="window.broken=true"> is 482 913.`,
  );
  await page.getByRole("textbox", { name: "Question" }).fill("What is the secret code of <b>Zena</b>?");
  await page.getByRole("combobox", { name: "Length in tokens" }).fill("512");
  await page.getByRole("button", { name: "Ask", exact: true }).click();
  await done(page);
  assertStringIncludes((await page.locator("#prompt").textContent())!, "<b>Zena</b>");
  assertEquals(await page.locator("main img, #prompt b").count(), 0);
  await until(page, `document.querySelector("#spans .barlayer .point")`);
  await page.emulateMedia({ colorScheme: "dark" });
  await until(page, `document.getElementById("spans").layout.paper_bgcolor === "#0d1117"`);
  await until(page, `document.querySelector("#spans .barlayer .point")`);
});

onPage("a wrong link says what is wrong, and the page stays usable", async ({ page, follow }) => {
  await follow("length=7&method=reattention");
  await until(page, `!document.getElementById("run").disabled`);
  assertStringIncludes((await page.locator("#notice").textContent())!, 'length "7" must be a whole number from 256');
});

onPage("a browser without WebGPU is told so, on a dark phone without sideways scrolling", async (opened) => {
  const { page, follow } = opened;
  await page.addInitScript("delete Navigator.prototype.gpu");
  await follow("");
  await until(page, `/no WebGPU/.test(document.getElementById("notice").textContent)`);
  assertEquals(await page.locator("#run").isDisabled(), true);
  assert(await page.evaluate<boolean>("document.documentElement.scrollWidth <= innerWidth"));
  assertEquals(await page.evaluate("getComputedStyle(document.body).backgroundColor"), "rgb(13, 17, 23)");
  // Every field and button has a name that a screen reader can say.
  const nameless = await page.evaluate<string[]>(
    `[...document.querySelectorAll("input, select, textarea, button")].filter((one) =>
      !(one.labels?.length || one.getAttribute("aria-label") || one.textContent.trim())).map((one) => one.outerHTML)`,
  );
  assertEquals(nameless, []);
}, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
