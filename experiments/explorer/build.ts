import { books } from "../../lib/evaluation/mod.ts";
import { readBytes, readText, writeAside } from "../../lib/platform.ts";
import { readPlotlySource } from "../../lib/viz/mod.ts";
import { bundleForBrowser } from "../command/bundle.ts";

/** A file of the page: its place under the page's folder, and what is in it. */
type PageFile = readonly [path: string, contents: string | Uint8Array];

const LIB = new URL("../../lib/", import.meta.url);

/**
 * Writes the explorer's page and all that it reads: one folder of static files, which asks nothing of anywhere else.
 *
 * @returns the paths of its files, relative to the folder
 * @throws {Error} where the page can't be bundled; {PlatformError} where it can't be written.
 */
export async function buildExplorer(folder: string): Promise<string[]> {
  const files: PageFile[] = [
    ["index.html", await readText(new URL("page/index.html", import.meta.url))],
    ["style.css", await readText(new URL("page/style.css", import.meta.url))],
    ["plotly.js", await readPlotlySource()],
    // The hub's client is left out: the page's model lies beside it.
    ["explorer.js", await bundleForBrowser(new URL("page/main.ts", import.meta.url), ["@huggingface/hub"])],
    ...await copies("demo", new URL("model/demo/", LIB), ["config.json", "model.safetensors", "tokenizer.json"]),
    // Looked for by whoever loads a tokenizer: where they are missing, a browser complains.
    ["demo/tokenizer_config.json", "{}\n"],
    ["demo/chat_template.jinja", ""],
    ...await copies("books", new URL("evaluation/needle/books/", LIB), books.map((name) => `${name}.txt.gz`)),
  ];
  for (const [path, contents] of files) await writeAside(`${folder}/${path}`, contents);
  return files.map(([path]) => path);
}

async function copies(folder: string, source: URL, names: readonly string[]): Promise<PageFile[]> {
  return await Promise.all(
    names.map(async (name) => [`${folder}/${name}`, await readBytes(new URL(name, source))] as const),
  );
}
