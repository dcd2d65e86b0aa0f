import { checkGolden, readJsonLines } from "../../lib/evaluation/mod.ts";

/** How many lines a file has, and how many of them are wrong. */
export interface CheckedFile {
  readonly lines: number;
  readonly wrong: number;
}

/** Computes each line anew and tells of those that disagree, with file, line, the line's own name and both values. */
export async function checkFile(path: string, tell: (message: string) => void): Promise<CheckedFile> {
  let [lines, wrong] = [0, 0];
  for (const read of await readJsonLines(path)) {
    lines++;
    const problems = "fault" in read ? [read.fault] : await problemsOf(read.value);
    if (problems.length === 0) continue;
    wrong++;
    const name = "value" in read ? (read.value as { id?: unknown } | null)?.id : undefined;
    tell(`${path}:${read.line}${name === undefined ? "" : ` ${name}`}: ${problems.join("; ")}`);
  }
  return { lines, wrong };
}

async function problemsOf(value: unknown): Promise<string[]> {
  try {
    const differences = await checkGolden(value);
    return differences.map(({ field, expected, computed }) => {
      return `${field} is ${JSON.stringify(expected)}, computed ${JSON.stringify(computed)}`;
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return [error.message];
  }
}
