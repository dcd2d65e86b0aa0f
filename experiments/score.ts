/**
 * `deno task score`: scores files of predictions by the benchmarks' official rules, or checks lines of scores that the
 * official scorers gave. `--help` tells the options. It needs no GPU.
 */

import { openCompassOptionFinder, Release } from "../lib/evaluation/mod.ts";
import { writeAside } from "../lib/platform.ts";
import { parseScoreArguments, ScoreArgumentsError, USAGE } from "./score/arguments.ts";
import { checkFile } from "./score/check.ts";
import { findPredictions } from "./score/files.ts";
import { reportOf, scoreFiles } from "./score/predictions.ts";
import { errorText } from "./command/error_text.ts";

async function main(args: readonly string[]): Promise<number> {
  try {
    const asked = parseScoreArguments(args);
    if (asked.help) {
      console.log(USAGE);
      return 0;
    }
    return asked.check ? await check(asked.paths) : await score(asked);
  } catch (error) {
    const usage = error instanceof ScoreArgumentsError;
    console.error(`score: ${errorText(error)}${usage ? `\n\n${USAGE}` : ""}`);
    return usage ? 2 : 1;
  }
}

async function check(paths: readonly string[]): Promise<number> {
  let [lines, wrong] = [0, 0];
  for (const path of paths) {
    const result = await checkFile(path, (message) => console.log(message));
    lines += result.lines;
    wrong += result.wrong;
  }
  console.log(`${lines - wrong} of ${lines} lines agree`);
  return wrong === 0 && lines > 0 ? 0 : 1;
}

async function score(asked: ReturnType<typeof parseScoreArguments>): Promise<number> {
  const files = await findPredictions(asked.paths);
  const { rules, opencompass } = asked;
  const findOption = opencompass === undefined
    ? undefined
    : await openCompassOptionFinder(await Release.open(opencompass));
  if (opencompass !== undefined && !findOption) {
    throw new RangeError(`${opencompass} has no opencompass/utils/text_postprocessors.py`);
  }
  const scored = await scoreFiles(files, { rules, findOption });
  console.log(reportOf(scored));
  const faults = scored.reduce((sum, { result }) => sum + result.faults.length, 0);
  if (faults > 0) console.error(`score: ${faults} lines could not be scored; they count in no score`);
  if (asked.json) await writeAside(asked.json, `${JSON.stringify(scored, null, 2)}\n`);
  return faults > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
