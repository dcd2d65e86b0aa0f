/** The project's own source texts, for tests that check how they hang together. */

/** The repository's root, with a slash at its end. */
export const ROOT: URL = new URL("../", import.meta.url);

/** Paths under a folder of the repository that end in `ending`, relative to the root, sorted. */
export function filesUnder(folder: string, ending: string): string[] {
  const found: string[] = [];
  for (const { name, isDirectory } of Deno.readDirSync(new URL(folder + "/", ROOT))) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...filesUnder(path, ending));
    else if (name.endsWith(ending)) found.push(path);
  }
  return found.sort();
}

/** A file's text. */
export function textOf(path: string): string {
  return Deno.readTextFileSync(new URL(path, ROOT));
}

/** TypeScript without its comments: examples in them import and call what the code itself may not. */
export function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "$1");
}

/** Module specifiers that a file imports or re-exports, types included. */
export function importsOf(text: string): string[] {
  const code = codeOf(text);
  const found = [
    ...code.matchAll(/^(?:import|export)\s(?:[^;"']*?\sfrom\s+)?["']([^"']+)["']/gm),
    ...code.matchAll(/\bimport\(\s*["']([^"']+)["']/g),
  ];
  return found.map((match) => match[1]);
}

/** The repository path that a specifier in `path` names, or undefined where it names a package. */
export function resolveImport(path: string, specifier: string, exports: Record<string, string>): string | undefined {
  if (specifier.startsWith(".")) return new URL(specifier, new URL(path, "file:///")).pathname.slice(1);
  const own = specifier.match(/^@reattention\/toolkit(\/.*)?$/);
  return own ? exports["." + (own[1] ?? "")]?.replace(/^\.\//, "") : undefined;
}
