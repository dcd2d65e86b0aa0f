import { taskFolder } from "../../../lib/evaluation/mod.ts";

/** Where a spread evaluation keeps its plan and parts: beside the answers, which they become. */
export function workFolder(out: string): string {
  return `${out}/cluster`;
}

/** Where a part's answers and logs are. */
export function partFolder(out: string, part: number): string {
  return taskFolder(workFolder(out), part);
}

/** Says that a part was gone through to its end. */
export function endedFile(out: string, part: number): string {
  return `${partFolder(out, part)}/ended.json`;
}
