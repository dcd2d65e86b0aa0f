/**
 * `deno task kernels`: writes sources.ts from the .wgsl files beside it. With `--check` it writes nothing and ends with
 * exit code 1 where sources.ts is out of date.
 */

import { KernelFormatError, parseKernel } from "./parse.ts";
import { type KernelPart, renderSources } from "./render.ts";

const USAGE = "usage: deno task kernels [--check]";
const FOLDER: URL = new URL("./", import.meta.url);
const TARGET: URL = new URL("sources.ts", FOLDER);

/**
 * The text that sources.ts should have.
 *
 * @param folder URL of a folder of .wgsl files, with a slash at its end; default: this one
 * @throws {KernelFormatError} if a kernel breaks a rule.
 */
export async function generateSources(folder: URL = FOLDER): Promise<string> {
  const kernels = (await wgslIn(folder)).map(({ name, text }) => parseKernel(`kernels/${name}.wgsl`, text));
  return renderSources(kernels, await wgslIn(new URL("parts/", folder)));
}

/** The .wgsl files of a folder, none where there is no such folder. */
async function wgslIn(folder: URL): Promise<KernelPart[]> {
  const found: KernelPart[] = [];
  try {
    for await (const { name, isFile } of Deno.readDir(folder)) {
      if (!isFile || !name.endsWith(".wgsl")) continue;
      const text = await Deno.readTextFile(new URL(name, folder));
      found.push({ name: name.slice(0, -".wgsl".length), text: text.replaceAll("\r\n", "\n") });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => arg !== "--check");
  if (unknown !== undefined) {
    console.error(`unknown argument "${unknown}"\n${USAGE}`);
    return 2;
  }
  const wanted = await generateSources();
  const found = await Deno.readTextFile(TARGET).catch(() => "");
  if (found.replaceAll("\r\n", "\n") === wanted) {
    console.log("kernels/sources.ts is up to date");
    return 0;
  }
  if (args.includes("--check")) {
    console.error("kernels/sources.ts is out of date: run `deno task kernels`");
    return 1;
  }
  // A reader never sees half a file.
  const aside = new URL("sources.ts.new", FOLDER);
  await Deno.writeTextFile(aside, wanted);
  await Deno.rename(aside, TARGET);
  console.log("wrote kernels/sources.ts");
  return 0;
}

if (import.meta.main) {
  try {
    Deno.exitCode = await main(Deno.args);
  } catch (error) {
    if (!(error instanceof KernelFormatError)) throw error;
    console.error(error.message);
    Deno.exitCode = 1;
  }
}
