import type { NeedleProgress } from "../../lib/evaluation/mod.ts";
import { type DemoJob, isBounded } from "./plan.ts";
import type { Progress } from "../command/progress.ts";

/** Work of a row next to others, about: selecting (or attending to all) at every token costs as much as there are tokens. */
function work({ method, length, haystacks }: DemoJob): number {
  return haystacks * length * (isBounded(method) ? 1 : 1 + length / 8192);
}

/** Turns the progress of single rows into that of all of them. */
export function jobsProgress(
  jobs: readonly DemoJob[],
  progress: Pick<Progress, "update">,
): (job: DemoJob, now: NeedleProgress) => void {
  const all = jobs.reduce((sum, job) => sum + work(job), 0);
  return (job, { haystack, phase, done, total }) => {
    const before = jobs.slice(0, jobs.indexOf(job)).reduce((sum, earlier) => sum + work(earlier), 0);
    const share = (before + work(job) * done / total) / all;
    progress.update(share, `${job.label} at ${job.length}`, `${phase} ${haystack + 1} of ${job.haystacks}`);
  };
}
