import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { curveFigure, saveFigure } from "../../lib/viz/mod.ts";

const root = new URL("../../", import.meta.url);
const chromium = ["/usr/bin/chromium", "/usr/bin/google-chrome", Deno.env.get("CHROMIUM") ?? ""].find((path) => {
  try {
    return path !== "" && Deno.statSync(path).isFile;
  } catch {
    return false;
  }
});

async function figure(args: readonly string[], env: Record<string, string> = {}) {
  const command = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "experiments/figure.ts", ...args],
    cwd: root,
    env: { NO_COLOR: "1", ...env },
  });
  const { code, stdout, stderr } = await command.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), error: text(stderr) };
}

async function withFigure(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const points = [{ x: 1, y: 2 }, { x: 2, y: 3 }];
    const made = curveFigure({ title: "k < 8", xTitle: "x (tokens)", yTitle: "y", series: [{ name: "a", points }] });
    await saveFigure(made, `${folder}/curve.json`);
    await act(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "deno task figure draws SVG, PDF and PNG of the printed width, text as text",
  ignore: chromium === undefined,
  fn: () =>
    withFigure(async (folder) => {
      const { code, error } = await figure([`${folder}/curve.json`, "--format", "svg,pdf,png"], {
        CHROMIUM: chromium!,
      });
      assertEquals([code, error], [0, ""]);
      const svg = await Deno.readTextFile(`${folder}/curve.svg`);
      assertMatch(svg, /^<svg[^>]* width="238\.11pt" height="[\d.]+pt"/);
      assertMatch(svg, /k &(lt|#60); 8/);
      assertMatch(svg, /<text[^>]*>x \(tokens\)<\/text>/);
      const pdf = new TextDecoder("latin1").decode(await Deno.readFile(`${folder}/curve.pdf`));
      assert(pdf.startsWith("%PDF"));
      // One page, 84 mm or 238 points wide, up to the next whole pixel.
      assertEquals([pdf.match(/\/Type\s*\/Page\b/g)?.length, pdf.match(/\/MediaBox\s*\[0 0 23[89]/g)?.length], [1, 1]);
      const png = new DataView((await Deno.readFile(`${folder}/curve.png`)).buffer);
      assertEquals(png.getUint32(16), 4 * 444);
    }),
});

Deno.test("deno task figure tells what is wrong with a file, an option, or the browser", () =>
  withFigure(async (folder) => {
    const wrong = await figure(["--format", "gif", `${folder}/curve.json`]);
    assertEquals(wrong.code, 2);
    assertStringIncludes(wrong.error, 'not "gif"');
    await Deno.writeTextFile(`${folder}/other.json`, "[1]");
    const none = await figure([`${folder}/other.json`]);
    assertEquals(none.code, 1);
    assertStringIncludes(none.error, "other.json is no figure: it: must be an object with data and layout");
    const missing = await figure([`${folder}/curve.json`], { CHROMIUM: `${folder}/nothing` });
    assertEquals(missing.code, 1);
    assertStringIncludes(missing.error, "nothing");
    assertEquals((await figure(["--help"])).code, 0);
  }));
