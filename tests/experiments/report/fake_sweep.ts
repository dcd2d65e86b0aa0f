import { parseSweepSpec, planSweep, SweepFile, type SweepSpecInput, type Trial } from "../../../lib/evaluation/mod.ts";
import { fakeRecord } from "../../evaluation/sweep/fake_bench.ts";

/** Writes a sweep's file with scores made up; trials without one are left to run. */
export async function writeFakeSweep(
  path: string,
  input: SweepSpecInput,
  score: (trial: Trial) => number | string | undefined,
  trace?: unknown,
): Promise<void> {
  const spec = parseSweepSpec(input);
  const { trials } = await planSweep(spec);
  using file = await SweepFile.open(path, spec, trials);
  const left: string[] = [];
  for (;;) {
    const claim = file.claim();
    if (claim === undefined || claim === "wait") break;
    const came = score(claim.trial);
    if (came === undefined) left.push(claim.trial.id);
    else file.finish(typeof came === "string" ? fakeRecord(claim, 0, came) : fakeRecord(claim, came), trace);
  }
  for (const id of left) file.release(id);
}

/** Three values of k over ten contexts, of which one setting fails and one trial has not run. */
export const fakeSpec: SweepSpecInput = { name: "fake k", sweep: { k: [1, 4, 8] }, seeds: "0..9" };

/** Scores of {@linkcode fakeSpec}. */
export function fakeScore({ knobs, seed }: Trial): number | string | undefined {
  if (knobs.k === 8 && seed === 9) return undefined;
  if (knobs.k === 1 && seed === 3) return 'RangeError: "no", <b>really</b>';
  return (seed % 2 ? 0.5 : 0.75) - (knobs.k === 8 ? 0.5 : 0);
}
