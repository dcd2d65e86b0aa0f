import { fileExists, readText, writeAside } from "../../lib/platform.ts";
import type { EvaluateArguments } from "./arguments.ts";

/** What answers depend on, and what may change between the runs that make one set of answers. */
const FREE = new Set([
  "help",
  "methods",
  "tasks",
  "limit",
  "lengths",
  "compare",
  "out",
  "data",
  "retryFailed",
  "spread",
  "args",
]);

/** What the answers of a folder were made with. */
export function settingsOf(asked: EvaluateArguments): Record<string, unknown> {
  return Object.fromEntries(Object.entries(asked).filter(([name, value]) => !FREE.has(name) && value !== undefined));
}

/**
 * Makes sure that a folder's answers are all made with the same settings, and takes down what they are.
 *
 * @throws {RangeError} naming what differs from the settings of the answers that are there.
 */
export async function keepSettings(asked: EvaluateArguments): Promise<void> {
  const path = `${asked.out}/settings.json`;
  const settings = settingsOf(asked);
  if (await fileExists(path)) {
    const known = JSON.parse(await readText(path)) as Record<string, unknown>;
    const names = [...new Set([...Object.keys(known), ...Object.keys(settings)])];
    const changed = names.filter((name) => JSON.stringify(known[name]) !== JSON.stringify(settings[name]));
    if (changed.length === 0) return;
    const told = changed.map((name) => {
      return `${name} was ${JSON.stringify(known[name]) ?? "not set"}, now ${
        JSON.stringify(settings[name]) ?? "not set"
      }`;
    });
    throw new RangeError(`${asked.out} holds answers made otherwise: ${told.join("; ")}; give another --out`);
  }
  await writeAside(path, `${JSON.stringify(settings, null, 2)}\n`);
}
