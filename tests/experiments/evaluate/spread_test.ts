import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { EvaluateArgumentsError } from "../../../experiments/evaluate/arguments_error.ts";
import { parseEvaluateCommand } from "../../../experiments/evaluate/command.ts";
import { spreadOf, withoutSpread } from "../../../experiments/evaluate/spread/choice.ts";
import { inFolder } from "../ablate/command.ts";
import { answersIn } from "./answers_in.ts";
import { type Ended, runScript } from "../run_script.ts";

const QUESTIONS = [
  ...["--benchmark", "niah", "--lengths", "512,600", "--depths", "3", "--samples", "1", "--max-new", "4"],
  ...["--methods", "full,streaming"],
];

/** A cluster of one node that has done an array's tasks when it has taken them, but for those that are said to be lost. */
async function pretendSlurm(folder: string, lost: readonly number[]): Promise<Record<string, string>> {
  const bin = `${folder}/bin`;
  await Deno.mkdir(bin);
  const script = (name: string, text: string) =>
    Deno.writeTextFile(`${bin}/${name}`, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  await script("scontrol", "echo 'MaxArraySize            = 1001'");
  await script("squeue", "true");
  await script("scancel", "true");
  await script(
    "sbatch",
    `case "$*" in *--test-only*) exit 0;; esac
for word in "$@"; do case "$word" in --array=*) tasks=\${word#--array=};; esac; last=$word; done
echo "$@" >> "${folder}/submitted"
tasks=$(echo "$tasks" | sed 's/%.*//' | tr , ' ')
for range in $tasks; do
  for task in $(seq \${range%-*} \${range#*-}); do
    case " ${lost.join(" ")} " in *" $task "*) [ -e "${folder}/healed" ] || continue;; esac
    SLURM_ARRAY_TASK_ID=$task sh "$last" >> "${folder}/tasks.log" 2>&1 || exit 1
  done
done
echo 17`,
  );
  return { PATH: `${bin}:${Deno.env.get("PATH")}` };
}

const scores = ({ out }: Ended) => out.split("\n").filter((line) => line.startsWith("|"));

Deno.test("evaluate by two processes, and by a cluster's parts of which one is lost, comes out as by one", () =>
  inFolder(async (folder) => {
    const alone = await runScript("evaluate", [...QUESTIONS, "--out", `${folder}/alone`]);
    assertEquals(alone.code, 0, alone.err);
    const expected = await answersIn(`${folder}/alone`);
    assertEquals(Object.keys(expected).length, 4);

    const local = await runScript("evaluate", [...QUESTIONS, "--out", `${folder}/local`, "--executor", "local:2"]);
    assertEquals([local.code, scores(local)], [0, scores(alone)], local.err);
    assertEquals(await answersIn(`${folder}/local`), expected);

    const env = await pretendSlurm(folder, [1]);
    const out = `${folder}/spread`;
    const evaluate = (...args: string[]) => runScript("evaluate", args, { env });
    const slurm = ["--executor", "slurm", "--parts", "3", "--at-once", "2", "--gres", "gpu:1"];
    const begun = await evaluate(...QUESTIONS, "--out", out, ...slurm);
    assertEquals(begun.code, 0, begun.err);
    assertStringIncludes(begun.out, "submitted job 17: an array of 3 tasks (spread-");
    assertMatch(await Deno.readTextFile(`${folder}/submitted`), /--array=0-2%2 .* --requeue .*--gres=gpu:1/);

    const status = await evaluate("status", out);
    assertMatch(
      status.out,
      /^spread: \d+ questions answered, 0 could not be\n3 parts: 2 ended, 0 running, 0 waiting, 1 stopped/,
    );
    const early = await evaluate("collect", out);
    const count = Number(/; (\d+) questions answered, 0 could not be/.exec(early.out)![1]);
    assert(count > 0 && count < 12, early.out);

    await Deno.writeTextFile(`${folder}/healed`, "");
    const resumed = await evaluate("resume", out);
    assertStringIncludes(resumed.out, "3 parts: 1 to run, 0 run already\n");
    const whole = await evaluate("collect", out);
    assertStringIncludes(whole.out, `${12 - count} new; 12 questions answered, 0 could not be`);
    assertStringIncludes((await evaluate("collect", out)).out, "0 new; 12 questions answered");
    assertEquals(await answersIn(out), expected);

    // The ordinary command finds all of them answered, and only scores.
    const scored = await evaluate(...QUESTIONS, "--out", out);
    assertEquals([scored.code, scores(scored)], [0, scores(alone)], scored.err);
    assertEquals(await answersIn(out), expected);

    const other = await evaluate(...QUESTIONS, "--limit", "1", "--out", out, ...slurm);
    assertEquals(other.code, 1);
    assertMatch(other.err, /is being answered with other arguments: .*; give another --out/);
  }));

Deno.test("evaluate says where Slurm is missing, and which option doesn't go with what", async () => {
  await inFolder(async (folder) => {
    const out = `${folder}/out`;
    const { code, err } = await runScript("evaluate", [...QUESTIONS, "--out", out, "--executor", "slurm"], {
      env: { PATH: folder },
    });
    assertEquals(code, 1);
    assertMatch(err, /^evaluate: Slurm is not installed here: .* apt-get install slurm-client/);
    const unplanned = await runScript("evaluate", ["status", out]);
    assertEquals(unplanned.code, 1);
    assertMatch(unplanned.err, /was not spread over a cluster: there is no .*plan\.json; begin with --executor slurm/);
  });
  const wrong = (...args: string[]) => () => parseEvaluateCommand(args);
  const ask = ["--benchmark", "niah"];
  assertThrows(wrong(...ask, "--parts", "3"), EvaluateArgumentsError, "--parts goes with --executor slurm");
  assertThrows(
    wrong(...ask, "--executor", "pbs"),
    EvaluateArgumentsError,
    '--executor "pbs" must be slurm, local or local:COUNT, such as local:4',
  );
  assertThrows(
    wrong("--benchmark", "perplexity", "--executor", "local:2"),
    EvaluateArgumentsError,
    "--executor doesn't go with perplexity: there are no questions to share out",
  );
  assertThrows(wrong("status"), EvaluateArgumentsError, "status what? deno task evaluate status FOLDER");
  assertThrows(wrong("work", "a", "x"), EvaluateArgumentsError, 'work: "x" must be the number of a part');
  assertThrows(wrong("collect", "a", "b"), EvaluateArgumentsError, 'one folder at a time: "b" is too many');
  assertEquals(spreadOf({}), undefined);
  assertEquals(withoutSpread(["--a", "1", "--executor", "slurm", "--gres=gpu:1", "--sbatch", "-p", "--b"]), [
    ...["--a", "1", "--b"],
  ]);
});
