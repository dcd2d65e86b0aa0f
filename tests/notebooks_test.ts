import { assertEquals, assertGreater } from "@std/assert";

const root = new URL("../", import.meta.url);
const names = [...Deno.readDirSync(new URL("notebooks/", root))].map(({ name }) => name)
  .filter((name) => name.endsWith(".ipynb")).sort();

interface Notebook {
  cells: { cell_type: string; source: string[]; outputs?: unknown[] }[];
}

// Jupyter itself is not there everywhere: the cells run in order as one module, with a stand-in for the kernel's display.
const KERNEL = `
const jupyter = { display: (bundle) => Promise.resolve(console.log("shown:", Object.keys(bundle).join(" "))) };
Object.defineProperty(globalThis, "Deno", { value: Object.create(Deno, { jupyter: { value: jupyter } }) });
`;

for (const name of names) {
  Deno.test(`notebook ${name} runs from top to bottom and shows its figures`, async () => {
    const notebook = JSON.parse(await Deno.readTextFile(new URL(`notebooks/${name}`, root))) as Notebook;
    const cells = notebook.cells.filter((cell) => cell.cell_type === "code");
    assertGreater(cells.length, 0);
    assertEquals(cells.flatMap(({ outputs }) => outputs ?? []), [], "commit notebooks without outputs");
    const code = cells.map(({ source }) => source.join("")).join("\n");
    const file = new URL(`notebooks/.${name}.run.ts`, root);
    try {
      await Deno.writeTextFile(file, `${code}\n`);
      const kernel = `data:text/javascript,${encodeURIComponent(KERNEL)}`;
      const { code: exit, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--allow-all", `--preload=${kernel}`, decodeURIComponent(file.pathname)],
        env: { NO_COLOR: "1" },
      }).output();
      assertEquals(exit, 0, new TextDecoder().decode(stderr));
      const shown = new TextDecoder().decode(stdout).match(/^shown: .*plotly/gm)?.length ?? 0;
      assertEquals(shown, code.match(/await show\(/g)?.length ?? 0);
    } finally {
      await Deno.remove(file);
    }
  });
}
