/** What an error says, and where a permission was missing, how a task is given more. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const missing = missingPermission(error);
  if (!missing) return error.message;
  return `${error.message.replace(/, run again with the --allow-\S+ flag$/, "")}

A task may do what deno.json names: write into results, and little else. The variable ALLOW gives it more:
  ALLOW="${missing}" npx -y deno task ...`;
}

/** The flag that an error asks for. */
function missingPermission(error: Error): string | undefined {
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) continue;
    const [, kind, name] = /^Requires (\w+) access to "?([^"]*)"?,/.exec(cause.message) ?? [];
    if (kind) return `--allow-${kind}${kind === "write" ? `=${folderOf(name)}` : name ? `=${name}` : ""}`;
  }
  return undefined;
}

/** What to allow for a file to be written: for a temporary one, which stands beside it, their folder. */
function folderOf(path: string): string {
  return path.replace(/[/\\]\.[^/\\]*\.tmp$/, "") || path;
}
