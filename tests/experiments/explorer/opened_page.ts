import { assertEquals } from "@std/assert";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { buildExplorer } from "../../../experiments/explorer/build.ts";
import { servePage } from "../../../experiments/explorer/serve.ts";
import { chromiumPath, SOFTWARE_ADAPTER } from "../../chromium.ts";

/** The test's patience, not the page's promise: machines are shared. */
const PATIENCE = 240_000;

/** The explorer's page in a browser. */
export interface OpenedPage {
  readonly page: Page;
  /** Goes to a case's link, as a fresh page. */
  readonly follow: (link: string) => Promise<void>;
}

/** The page as it is served, in headless Chromium; it may ask for nothing elsewhere, and nothing may complain. */
export function onPage(
  name: string,
  act: (opened: OpenedPage) => Promise<void>,
  options: BrowserContextOptions = {},
): void {
  Deno.test({
    name,
    ignore: chromiumPath === undefined,
    fn: async () => {
      const folder = await Deno.makeTempDir();
      let browser: Browser | undefined;
      let server;
      try {
        server = servePage(folder, await buildExplorer(folder), 0);
        const { address } = server;
        browser = await chromium.launch({ executablePath: chromiumPath, args: SOFTWARE_ADAPTER });
        const page = await (await browser.newContext(options)).newPage();
        const complaints = complaintsOf(page, address);
        const follow = async (link: string) => {
          await page.goto("about:blank");
          await page.goto(`${address}#${link}`);
        };
        await act({ page, follow });
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

/** Errors, warnings, requests to elsewhere and requests in vain, as they come. */
function complaintsOf(page: Page, address: string): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (["error", "warning", "trace", "assert"].includes(message.type())) complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!/^(blob|data|about):/.test(request.url()) && !request.url().startsWith(address)) {
      complaints.push(`asked for ${request.url()}`);
    }
  });
  page.on("response", (response) => response.status() >= 400 && complaints.push(`no ${response.url()}`));
  return complaints;
}

/** Waits until an expression is true; the page's own policy allows no waiting inside of it. */
export async function until(page: Page, expression: string): Promise<void> {
  const end = Date.now() + PATIENCE;
  while (!await page.evaluate(expression)) {
    if (Date.now() > end) {
      throw new Error(`never came true: ${expression}; the page says ${await page.locator("main").innerText()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Waits until the model is loaded. */
export function ready(page: Page): Promise<void> {
  return until(page, `!document.getElementById("run").disabled`);
}

/** Waits until so many questions are answered, and all is drawn. */
export function answered(page: Page, questions = 1): Promise<void> {
  return until(
    page,
    `document.querySelectorAll("#answers tbody tr").length === ${questions} && !document.body.hasAttribute("data-busy")`,
  );
}

/** The cells of the newest answer: method, answer, right, context, scope, seconds. */
export function newest(page: Page): Promise<string[]> {
  return page.locator("#answers tbody tr:first-child td").allTextContents();
}

/** Texts whose contrast to what they stand on is below the 4.5 of WCAG's level AA, figures left out. */
export function faintTexts(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(() => {
    const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].reduce((sum, value, i) => {
      const part = value / 255;
      return sum + [0.2126, 0.7152, 0.0722][i] * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    }, 0);
    const paper = (element) => {
      const [r, g, b, alpha = 1] = numbers(getComputedStyle(element).backgroundColor);
      return alpha === 0 && element.parentElement ? paper(element.parentElement) : [r, g, b];
    };
    const shown = [...document.querySelectorAll("body *")].filter((one) => one.checkVisibility() && !one.disabled &&
      !one.closest(".figure, datalist") && [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
    if (shown.length < 20) throw new Error("too few texts found: " + shown.length);
    return shown.filter((one) => {
      const both = [light(numbers(getComputedStyle(one).color)), light(paper(one))].sort((a, b) => b - a);
      return (both[0] + 0.05) / (both[1] + 0.05) < 4.5;
    }).map((one) => one.outerHTML.slice(0, 100));
  })()`);
}
