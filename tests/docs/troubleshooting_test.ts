import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { type Browser, chromium } from "playwright-core";
import { Device, MemoryBudgetError } from "../../lib/gpu/mod.ts";
import { loadModel } from "../../lib/model/mod.ts";
import { curveFigure, readPlotlySource } from "../../lib/viz/mod.ts";
import { figureHtml, plotlyHtml } from "../../lib/viz/notebook/notebook_html.ts";
import { gpuTest } from "../gpu_test_device.ts";
import { ROOT, textOf } from "../source_files.ts";
import { chromiumPath } from "../chromium.ts";

// Each entry of the guide's troubleshooting, with its fault made here: the message is the one that the entry stands under.
const troubles = textOf("docs/guide.md").split("\n## Troubleshooting\n")[1].replace(/\s+/g, " ");
Deno.test({
  name: "guide, No adapter: a program says so and names the task that helps; the task says what to look at",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const toolkit = new URL("mod.ts", ROOT).href;
    const script = `import { Device } from ${JSON.stringify(toolkit)};
      await Device.open().catch((error) => console.log(error.name + ": " + error.message));`;
    const nowhere = "/no/driver.json";
    // Without the first, a driver of OpenGL would do.
    const env = { DENO_WEBGPU_BACKEND: "vulkan", VK_ICD_FILENAMES: nowhere, VK_DRIVER_FILES: nowhere, NO_COLOR: "1" };
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--config", "deno.json", `data:text/typescript,${encodeURIComponent(script)}`],
      cwd: ROOT,
      env,
    }).output();
    const said = new TextDecoder().decode(stdout);
    assertMatch(said, /^NoAdapterError: no WebGPU adapter.*`deno task setup`/);
    assertStringIncludes(troubles, '"no WebGPU adapter"');
    assertStringIncludes(troubles, "`npx -y deno task setup` looks for one");
    assertStringIncludes(troubles, "`vulkaninfo --summary` (package vulkan-tools)");
  },
});

gpuTest("guide, Out of memory: refused before anything is read, with what doesn't fit and how much would", async () => {
  using device = await Device.open({ memoryBytes: 40 * 2 ** 20 });
  using model = await loadModel("demo", { device });
  using session = model.createSession({ method: "reattention-window" });
  const tokens = Array.from({ length: 20_000 }, (_, index) => 5 + index % 300);
  const error = await assertRejects(() => session.append(tokens), MemoryBudgetError);
  assertMatch(
    error.message,
    /keys and values .* do not fit.* At most \d+ more tokens fit .* int8 storage .*`deno task plan`/,
  );
  assertEquals(session.length, 0);
  const room = Number(/At most (\d+) more/.exec(error.message)![1]);
  // As the entry says: fewer tokens fit, and int8 storage holds more of them.
  await session.append(tokens.slice(0, Math.floor(room / 2)));
  assertEquals(session.length, Math.floor(room / 2));
  assertStringIncludes(troubles, "`MemoryBudgetError`");
});

Deno.test("guide, slow on a software adapter: the commands that it gives are there", () => {
  const tasks = JSON.parse(textOf("deno.json")).tasks;
  for (const [, task] of troubles.matchAll(/deno task ([a-z]+)/g)) assert(task in tasks, task);
});

Deno.test({
  name: "guide, A notebook shows no figure: without plotly the page says what to run, and then it draws",
  ignore: chromiumPath === undefined,
  fn: async () => {
    const missing = "No figure: plotly is not in this page";
    const points = [{ x: 1, y: 2 }, { x: 2, y: 3 }];
    const figure = curveFigure({ title: "t", xTitle: "x", yTitle: "y", series: [{ name: "a", points }] });
    let browser: Browser | undefined;
    try {
      browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });
      const page = await browser.newPage();
      await page.clock.install();
      await page.setContent(`<!DOCTYPE html><body>${figureHtml(figure, "a curve")}`);
      await page.clock.runFor(90_000);
      assertMatch(await page.locator("body").innerText(), new RegExp(`^${missing}\\. Run the notebook's first cell`));
      const given = await browser.newPage();
      const plotly = await plotlyHtml(await readPlotlySource());
      await given.setContent(`<!DOCTYPE html><body>${plotly}${figureHtml(figure, "a curve")}`);
      await given.locator(".main-svg").first().waitFor({ timeout: 60_000 });
      assert(!(await given.locator("body").innerText()).includes(missing));
    } finally {
      await browser?.close();
    }
    assertStringIncludes(troubles, `"${missing}"`);
  },
});
