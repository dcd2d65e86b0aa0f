/**
 * `deno task size`: prints how large the package is, and what each of its exports weighs in a browser: the minified script
 * with all that it imports, plain and packed with gzip.
 */

import { readText } from "../lib/platform.ts";
import { bundleForBrowser } from "./command/bundle.ts";
import { type PackedFile, packedFiles } from "./size/packed_files.ts";
import { errorText } from "./command/error_text.ts";

const ROOT = new URL("../", import.meta.url);
const LARGEST = 5;

/** Kibibytes in words. */
function shown(bytes: number): string {
  return `${Math.round(bytes / 1024).toLocaleString("en-US")} KiB`.padStart(12);
}

/** Fetched by a page only where they are used. */
const APART = ["@huggingface/hub", "plotly.js-cartesian-dist-min", "jieba-wasm"];

/** The script that a page would load for one export. */
async function bundled(path: string): Promise<Uint8Array<ArrayBuffer>> {
  return new TextEncoder().encode(await bundleForBrowser(new URL(path, ROOT), APART));
}

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<number> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return (await new Response(packed).arrayBuffer()).byteLength;
}

async function main(): Promise<number> {
  const files: PackedFile[] = await packedFiles(ROOT);
  const total = files.reduce((sum, { bytes }) => sum + bytes, 0);
  console.log(`package: ${files.length} files,${shown(total)}; the largest:`);
  for (const { path, bytes } of files.toSorted((a, b) => b.bytes - a.bytes).slice(0, LARGEST)) {
    console.log(`${shown(bytes)}  ${path}`);
  }
  console.log(`\n${"minified".padStart(12)}${"gzip".padStart(12)}  export`);
  const { exports } = JSON.parse(await readText(new URL("deno.json", ROOT))) as { exports: Record<string, string> };
  for (const [name, path] of Object.entries(exports)) {
    const script = await bundled(path);
    console.log(`${shown(script.length)}${shown(await gzipped(script))}  ${name}`);
  }
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main();
  } catch (error) {
    console.error(`size: ${errorText(error)}`);
    Deno.exitCode = 1;
  }
}
