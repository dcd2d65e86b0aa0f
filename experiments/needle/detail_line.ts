import type { NeedleRow } from "./run.ts";

/** Most wrong answers that are named one by one. */
const MOST_NAMED = 8;

const depths = (answers: NeedleRow["answers"]) => answers.map(({ depth }) => depth.toFixed(2)).join(", ");
const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`;

/** What a row's line has no column for: how long reading and asking took, on what, and what was wrong. */
export function detailLine(row: NeedleRow): string {
  const { haystacks, needlesPerContext, timesTrained, readSeconds, askSeconds, storage, processBytes, answers } = row;
  const { restored, saved, valuesOn = "gpu" } = row;
  const stored = valuesOn === "gpu"
    ? storage
    : `keys in ${storage}, values in f32 ${valuesOn === "file" ? "in a file" : "in host memory"}`;
  const wrong = answers.filter(({ correct }) => !correct);
  const parts = [
    `${timesTrained.toLocaleString("en-US")} times the trained context`,
    `n = ${haystacks} haystack${haystacks === 1 ? "" : "s"} of ${needlesPerContext} needles`,
    `${restored ? "restored" : "read"} in ${readSeconds.toFixed(1)} s, asked in ${askSeconds.toFixed(1)} s`,
    ...(saved ? [`saved in ${saved.seconds.toFixed(1)} s, ${mebibytes(saved.bytes)}`] : []),
    // Some systems don't tell a process what it took at most.
    processBytes > 0 ? `${stored}, process ${mebibytes(processBytes)}` : stored,
    ...(wrong.length > 0 && wrong.length <= MOST_NAMED ? [`wrong at depth ${depths(wrong)}`] : []),
  ];
  return `${" ".repeat(12)}${parts.join("; ")}`;
}
