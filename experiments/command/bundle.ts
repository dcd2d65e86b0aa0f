import { fileURLToPath } from "node:url";

/**
 * A script for browsers with all that it imports, minified, as one file.
 *
 * @param entry the script's file
 * @param apart packages that are left out: the page fetches them where it uses them
 * @throws {Error} where it can't be bundled, saying why.
 */
export async function bundleForBrowser(entry: URL, apart: readonly string[]): Promise<string> {
  const { success, errors, outputFiles } = await Deno.bundle({
    entrypoints: [fileURLToPath(entry)],
    external: [...apart],
    platform: "browser",
    format: "esm",
    minify: true,
    write: false,
  });
  const script = outputFiles?.[0]?.text();
  if (success && script) return script;
  throw new Error(`${fileURLToPath(entry)} can't be bundled:\n${errors.map(({ text }) => text).join("\n")}`);
}
