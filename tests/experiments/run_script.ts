/** How a program ended, and what it wrote. */
export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Where a script runs, and with what besides the test's own environment. */
export interface ScriptOptions {
  readonly cwd?: string | URL;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a script of `experiments` as a person would, without colours and with nobody at the keyboard. */
export function startScript(
  name: string,
  args: readonly string[],
  { cwd, env }: ScriptOptions = {},
): Deno.ChildProcess {
  const script = new URL(`../../experiments/${name}.ts`, import.meta.url).href;
  const pipes = { stdin: "null", stdout: "piped", stderr: "piped" } as const;
  const options = { args: ["run", "--allow-all", script, ...args], cwd, env: { NO_COLOR: "1", ...env }, ...pipes };
  return new Deno.Command(Deno.execPath(), options).spawn();
}

/** Waits for a program's end. */
export async function ended(child: Deno.ChildProcess): Promise<Ended> {
  const { code, stdout, stderr } = await child.output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, out: text(stdout), err: text(stderr) };
}

/** Runs a script to its end. */
export function runScript(name: string, args: readonly string[], options: ScriptOptions = {}): Promise<Ended> {
  return ended(startScript(name, args, options));
}
