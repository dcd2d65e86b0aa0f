import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Browser, chromium, type Page } from "playwright-core";
import { prepareJupyter } from "../../../experiments/notebooks/jupyter.ts";
import { chromiumPath } from "../../chromium.ts";

const SCREENSHOTS = "results/screenshots";
/** What JupyterLab complains about by itself: Deno's kernel has no debugger, which its side panel asks for. */
const LAB_ITSELF = ["No active debugger session"];
const TOKEN = crypto.randomUUID();

/** Waits until an expression is true in the page. */
async function until(page: Page, expression: string, seconds: number): Promise<void> {
  for (let tries = 0; !await page.evaluate(expression); tries++) {
    if (tries > seconds * 10) throw new Error(`not true after ${seconds} s: ${expression}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return (listener.addr as Deno.NetAddr).port;
}

/** JupyterLab with a settings folder of its own, where all cells stay in the page. */
async function startLab(port: number, settings: string): Promise<Deno.ChildProcess | undefined> {
  const { python, env, source } = await prepareJupyter((line) => console.error(line));
  if (source !== "pip") {
    console.error("pip has no JupyterLab here: the browser test of notebooks is left out");
    return undefined;
  }
  await Deno.mkdir(`${settings}/@jupyterlab/notebook-extension`, { recursive: true });
  await Deno.writeTextFile(
    `${settings}/@jupyterlab/notebook-extension/tracker.jupyterlab-settings`,
    JSON.stringify({ windowingMode: "none" }),
  );
  const args = ["-m", "jupyterlab", "--no-browser", "--allow-root", "--expose-app-in-browser", "--ip=127.0.0.1"];
  args.push(`--port=${port}`, `--IdentityProvider.token=${TOKEN}`, "--ServerApp.open_browser=False");
  const child = new Deno.Command(python, {
    args,
    env: { ...env, JUPYTERLAB_SETTINGS_DIR: settings, JUPYTERLAB_WORKSPACES_DIR: `${settings}/workspaces` },
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  for (let tries = 0; tries < 600; tries++) {
    const answered = await fetch(`http://127.0.0.1:${port}/api?token=${TOKEN}`).then(async (response) => {
      await response.body?.cancel();
      return response.ok;
    }, () => false);
    if (answered) return child;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  child.kill();
  await child.status;
  throw new Error("JupyterLab did not answer within a minute");
}

/** Opens a notebook, runs all cells and gives it back once all figures are drawn. */
async function runAll(page: Page, port: number, name: string, figures: number): Promise<void> {
  await page.goto(`http://127.0.0.1:${port}/lab/tree/notebooks/${name}?reset&token=${TOKEN}`);
  const notebook = "globalThis.jupyterapp?.shell.currentWidget";
  await until(page, `${notebook}?.content?.widgets?.length > 1 && ${notebook}.context.isReady`, 60);
  await until(page, `${notebook}.sessionContext?.session?.kernel?.connectionStatus === "connected"`, 60);
  await page.evaluate(`jupyterapp.commands.execute("notebook:run-all-cells")`);
  const drawn = `document.querySelectorAll(".jp-OutputArea .js-plotly-plot .main-svg .bglayer").length`;
  await until(page, `${drawn} >= ${figures}`, 60);
}

Deno.test({
  name: "JupyterLab runs two notebooks, and draws their figures without an extension, network or complaint",
  ignore: chromiumPath === undefined,
  fn: async () => {
    const names = ["07_your_own_model.ipynb", "02_what_was_selected.ipynb"];
    const before = await Promise.all(names.map((name) => Deno.readTextFile(`notebooks/${name}`)));
    const settings = await Deno.makeTempDir();
    const port = freePort();
    let browser: Browser | undefined;
    const lab = await startLab(port, settings);
    if (!lab) return;
    try {
      await Deno.mkdir(SCREENSHOTS, { recursive: true });
      browser = await chromium.launch({ executablePath: chromiumPath, args: ["--no-sandbox", "--disable-gpu"] });
      const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
      page.on("request", (request) => {
        const { hostname, protocol } = new URL(request.url());
        if (protocol.startsWith("http") && hostname !== "127.0.0.1") complaints.push(`fetched ${request.url()}`);
      });

      await runAll(page, port, names[0], 1);
      const map = page.locator(".js-plotly-plot").first();
      assertStringIncludes(await map.locator(".xtitle").textContent() ?? "", "position in the context (tokens)");
      assert(await map.locator(".barlayer .trace").count() >= 2);
      await map.screenshot({ path: `${SCREENSHOTS}/lab_07_selected.png` });

      await runAll(page, port, names[1], 4);
      const plots = page.locator(".js-plotly-plot");
      assertEquals(await plots.count(), 4);
      const moved = plots.nth(1);
      await moved.scrollIntoViewIfNeeded();
      const shown = () => moved.evaluate((plot) => JSON.stringify((plot as unknown as { data: unknown[] }).data));
      const first = await shown();
      // The last step is shown first.
      await moved.locator(".slider-rail-touch-rect").click({ position: { x: 4, y: 4 }, force: true });
      for (let tries = 0; await shown() === first; tries++) {
        if (tries > 50) throw new Error("the slider moved, and the figure did not");
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assertEquals(await moved.locator(".colorbar").count(), 1);
      const bar = plots.first().locator(".barlayer .trace").last().locator(".point path").first();
      await bar.scrollIntoViewIfNeeded();
      await bar.hover({ force: true });
      assertStringIncludes(await plots.first().locator(".hovertext").first().textContent() ?? "", "layer");
      for (let index = 0; index < 4; index++) {
        await plots.nth(index).scrollIntoViewIfNeeded();
        // The slider's change is drawn as a transition.
        await new Promise((resolve) => setTimeout(resolve, 500));
        await plots.nth(index).screenshot({ path: `${SCREENSHOTS}/lab_02_${index}.png` });
      }
      assertEquals(complaints.filter((text) => !LAB_ITSELF.some((known) => text.includes(known))), []);
    } finally {
      await browser?.close();
      lab.kill("SIGTERM");
      await lab.status;
      await Deno.remove(settings, { recursive: true });
      for (const [index, name] of names.entries()) {
        if (await Deno.readTextFile(`notebooks/${name}`) === before[index]) continue;
        await Deno.writeTextFile(`notebooks/${name}`, before[index]);
      }
    }
  },
});
