import { fileURLToPath } from "node:url";
import { fileSize, runCommand } from "../../lib/platform.ts";
import { ownDeno } from "../command/own_deno.ts";

/** A file that publishing would upload. */
export interface PackedFile {
  /** Its path in the package. */
  readonly path: string;
  /** Its size in bytes. */
  readonly bytes: number;
}

/**
 * The files that publishing a package would upload, as `deno publish` itself tells them; nothing is uploaded.
 *
 * @param root URL of the package's folder, with a slash at its end
 * @throws {Error} where `deno publish` refuses, with what it said.
 */
export async function packedFiles(root: URL): Promise<PackedFile[]> {
  const config = fileURLToPath(new URL("deno.json", root));
  const args = ["publish", "--dry-run", "--allow-dirty", "--no-check", "--allow-slow-types", "--config", config];
  const { code, stdout, stderr } = await runCommand(ownDeno(), args);
  if (code !== 0) throw new Error(`deno publish --dry-run failed:\n${stderr}`);
  const paths = [...`${stdout}\n${stderr}`.matchAll(/^\s+(file:\/\/\/\S+) \([\d.]+\s?[KMG]?B\)$/gm)]
    .map(([, url]) => url).filter((url) => url.startsWith(root.href)).map((url) => url.slice(root.href.length));
  if (paths.length === 0) throw new Error(`deno publish --dry-run listed no file:\n${stderr}`);
  return await Promise.all(paths.map(async (path) => ({ path, bytes: await fileSize(new URL(path, root)) })));
}
