import { readText } from "../../platform.ts";
import { pythonValueAt } from "../data/python_literals.ts";
import type { Release } from "../data/release.ts";

/** Benchmarks whose prompts OpenCompass keeps in files of its own. */
export type OpenCompassSuite = "longbench" | "leval" | "infinitebench";

/** A task as OpenCompass asks it. */
export interface OpenCompassPrompt {
  /** Its prompts joined by line ends, as it does for a model without a chat template; with names in braces. */
  readonly template: string;
  /** Most tokens of an answer (max_out_len). */
  readonly maxTokens?: number;
  /** Where it stands. */
  readonly file: string;
}

/**
 * Whether folders hold OpenCompass's configs of a benchmark (configs/datasets/NAME of its repository).
 *
 * @example
 * ```ts
 * import { hasOpenCompassPrompts, Release } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/datasets/leval/levaltpo`, { recursive: true });
 * await Deno.writeTextFile(`${folder}/datasets/leval/levaltpo/leval_tpo_gen_111111.py`, "");
 * const release = await Release.open(folder);
 * await Deno.remove(folder, { recursive: true });
 * assertEquals([hasOpenCompassPrompts(release, "leval"), hasOpenCompassPrompts(release, "longbench")], [true, false]);
 * ```
 */
export function hasOpenCompassPrompts(release: Release, suite: OpenCompassSuite): boolean {
  return configsOf(release, suite).length > 0;
}

function configsOf(release: Release, suite: OpenCompassSuite): string[] {
  return release.matching(new RegExp(`/datasets/${suite}/[^/]+/${suite}_\\w+_gen_[0-9a-f]{6}\\.py$`)).sort();
}

/**
 * How OpenCompass asks a task, from the configs in its repository; nothing is run. Of several versions in a folder the one
 * that the file without a version imports counts.
 *
 * @returns undefined where the folders hold no config of the task
 * @throws {RangeError} for a config that looks otherwise than expected.
 *
 * @example
 * ```ts
 * import { openCompassPrompt, Release } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/datasets/leval/levaltpo`, { recursive: true });
 * const config = "dict(role='HUMAN', prompt='{context} {question}')\nmax_out_len=10\nname='tpo'\n";
 * await Deno.writeTextFile(`${folder}/datasets/leval/levaltpo/leval_tpo_gen_111111.py`, config);
 * const release = await Release.open(folder);
 * const tpo = await openCompassPrompt(release, "leval", "tpo");
 * const quality = await openCompassPrompt(release, "leval", "quality");
 * await Deno.remove(folder, { recursive: true });
 * assertEquals([tpo?.template, tpo?.maxTokens, quality], ["{context} {question}", 10, undefined]);
 * ```
 */
export async function openCompassPrompt(
  release: Release,
  suite: OpenCompassSuite,
  task: string,
): Promise<OpenCompassPrompt | undefined> {
  const asked = new RegExp(`['"/]${task.replace(/[^\w]/g, "\\$&")}(?:\\.jsonl)?['"]`);
  for (const [folder, files] of Map.groupBy(configsOf(release, suite), (file) => file.replace(/[^/]+$/, ""))) {
    const file = await currentOf(release, folder, files);
    const source = await readText(file);
    if (!asked.test(source)) continue;
    const template = promptsIn(source, file).filter((prompt) => prompt !== "").join("\n");
    const [, most] = /\bmax_out_len\s*=\s*(\d+)/.exec(source) ?? [];
    return { template, file, ...(most && { maxTokens: Number(most) }) };
  }
  return undefined;
}

/** The version that is in use. */
async function currentOf(release: Release, folder: string, files: readonly string[]): Promise<string> {
  const [index] = release.matching(/_gen\.py$/).filter((file) => file.replace(/[^/]+$/, "") === folder);
  const [, name] = (index === undefined ? null : /from \.(\w+) import/.exec(await readText(index))) ?? [];
  return files.find((file) => file === `${folder}${name}.py`) ?? files.at(-1)!;
}

/** What each role of the template says, in order. */
function promptsIn(source: string, file: string): string[] {
  const roles = [...source.matchAll(/(?<!\w)role\s*=\s*['"](?:SYSTEM|HUMAN|BOT)['"][^)]*?\bprompt\s*=\s*(?=['"(])/g)];
  const prompts = roles.map((role) => pythonValueAt(source, role.index + role[0].length));
  const texts = prompts.map((prompt) => Array.isArray(prompt) ? prompt.join("") : prompt);
  if (texts.length > 0 && texts.every((text): text is string => typeof text === "string")) return texts;
  throw new RangeError(`${file}: it does not write its prompts as expected`);
}
