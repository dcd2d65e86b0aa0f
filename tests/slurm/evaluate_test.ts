import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { taskFolder } from "../../lib/evaluation/mod.ts";
import { inFolder, until } from "../experiments/ablate/command.ts";
import { answersIn } from "../experiments/evaluate/answers_in.ts";
import { runScript } from "../experiments/run_script.ts";
import { missingPrograms, SimulatedCluster } from "./cluster.ts";

const questions = [
  ...["--benchmark", "niah", "--lengths", "512,700", "--depths", "3", "--samples", "2", "--max-new", "4"],
  ...["--methods", "full,streaming"],
];
const QUESTIONS = 24;
const PARTS = 3;

Deno.test({
  name: "an evaluation's parts outlive a node and a cancelled array; the answers come out as one process has them",
  // Where everything is checked, it must not be left out.
  ignore: missingPrograms().length > 0 && Deno.env.get("CI") === undefined,
  fn: () =>
    inFolder(async (folder) => {
      assertEquals(missingPrograms(), [], "install it: apt-get install slurm-wlm munge");
      await using cluster = await SimulatedCluster.start(["node1", "node2"]);
      const evaluate = (...args: string[]) => runScript("evaluate", args, { cwd: folder, env: cluster.env });
      const out = `${folder}/spread`;
      const slurm = ["--executor", "slurm", "--parts", `${PARTS}`, "--time", "5"];
      const lines = (part: number) => answerLines(taskFolder(`${out}/cluster`, part));

      const submitted = await evaluate(...questions, "--out", "spread", ...slurm);
      assertEquals(submitted.code, 0, submitted.err);
      const job = /submitted job (\d+): an array of 3 tasks \(spread-[0-9a-f]{8}\)/.exec(submitted.out)![1];

      // A part in the middle: its node dies, and what it answered before stays.
      let lost: { part: number; before: number; node: string } | undefined;
      await until("a part in the middle", () => {
        const part = Array.from({ length: PARTS }, (_, each) => each).find((each) => lines(each) > 0);
        const pid = part === undefined ? undefined : cluster.worker(job, part);
        if (part === undefined || pid === undefined) return false;
        Deno.kill(pid, "SIGSTOP");
        lost = { part, before: lines(part), node: cluster.nodeOf(pid) };
        return true;
      });
      const { part, before, node } = lost!;
      assert(before < QUESTIONS / PARTS, `${before} answers`);
      await cluster.killNode(node);

      // The rest of the array is cancelled, and goes on when it is asked to.
      const cancelled = await evaluate("cancel", "spread");
      assertMatch(cancelled.out, /^slurm: [1-3] tasks cancelled/);
      await until("the end of the array", async () =>
        / 0 running, 0 waiting, /.test((await evaluate("status", "spread")).out));
      const early = await evaluate("collect", "spread");
      const count = Number(/; (\d+) questions answered, 0 could not be/.exec(early.out)![1]);
      assert(count >= before && count < QUESTIONS, early.out);
      const resumed = await evaluate("resume", "spread");
      assertMatch(resumed.out, /submitted job \d+: an array of [1-3] tasks/);
      await until("all parts", async () =>
        /3 parts: 3 ended/.test((await evaluate("status", "spread")).out));
      assert(lines(part) >= before);

      const whole = await evaluate("collect", "spread");
      assertStringIncludes(whole.out, `${QUESTIONS - count} new; ${QUESTIONS} questions answered, 0 could not be`);
      const alone = await evaluate(...questions, "--out", "alone");
      assertEquals(alone.code, 0, alone.err);
      assertEquals(await answersIn(out), await answersIn(`${folder}/alone`));
    }),
});

/** Answers of a part so far; a part that has not begun has none. */
function answerLines(folder: string): number {
  const names = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.startsWith("answers."));
  return names.reduce((sum, name) => sum + Deno.readTextFileSync(`${folder}/${name}`).split("\n").length - 1, 0);
}
