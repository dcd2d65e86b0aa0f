import { AnswerShard } from "../../../lib/evaluation/mod.ts";
import { writeAside } from "../../../lib/platform.ts";
import type { EvaluateArguments } from "../arguments.ts";
import { answerOnly } from "../evaluate.ts";
import type { EvaluateOn } from "../evaluate_on.ts";
import { endedFile, partFolder } from "./folders.ts";

/** Answers one part of a spread evaluation's questions, and says so where it came to its end. */
export async function answerPart(
  asked: EvaluateArguments,
  { out, part, parts }: { out: string; part: number; parts: number },
  on: EvaluateOn,
): Promise<void> {
  const open = () => AnswerShard.begin(partFolder(out, part), { part, parts });
  const run = await answerOnly(asked, on, open);
  await writeAside(endedFile(out, part), `${JSON.stringify({ failed: run.failures.length })}\n`);
}
