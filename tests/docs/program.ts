import { ROOT } from "../source_files.ts";

/** How a program of a document is run. */
export interface ProgramOptions {
  /** Where it runs. Default: the clone. */
  readonly cwd?: string | URL;
}

/**
 * Runs code of a document as a file inside the clone, types checked. It lies where git does not look, so that a run that is cut
 * off leaves nothing to commit.
 *
 * @returns what it printed
 * @throws {Error} with what it said where it fails.
 */
export async function runProgram(code: string, { cwd = ROOT }: ProgramOptions = {}): Promise<string> {
  const dir = decodeURIComponent(new URL("results/", ROOT).pathname);
  await Deno.mkdir(dir, { recursive: true });
  const file = await Deno.makeTempFile({ dir, suffix: ".program.ts" });
  try {
    await Deno.writeTextFile(file, code);
    const config = decodeURIComponent(new URL("deno.json", ROOT).pathname);
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--check", "--config", config, file],
      cwd,
      env: { NO_COLOR: "1" },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    if (!success) throw new Error(text(stderr));
    return text(stdout);
  } finally {
    await Deno.remove(file);
  }
}

/** Blocks of a document as one program: their imports first. */
export function joinedBlocks(blocks: readonly string[]): string {
  const IMPORT = /^import [^;]*;$/gm;
  return [...blocks.flatMap((code) => code.match(IMPORT) ?? []), ...blocks.map((code) => code.replace(IMPORT, ""))]
    .join("\n");
}
