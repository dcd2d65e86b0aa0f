/**
 * A process that works on a sweep's file with a bench that only takes its time, for tests that kill it:
 * `worker.ts FILE LOG MILLISECONDS`. It writes down what it begins and what it has kept.
 */

import { parseSweepSpec, planSweep, runLedger, SweepFile } from "../../../lib/evaluation/mod.ts";
import { FakeBench } from "./fake_bench.ts";

/** What the worker runs: 120 trials. */
export const workerSpec = parseSweepSpec({
  methods: ["reattention-window"],
  sweep: { k: [1, 2, 4], window: [128, 256] },
  seeds: "0..19",
});

if (import.meta.main) {
  const [path, log, milliseconds] = Deno.args;
  const note = (word: string, id: string) =>
    Deno.writeTextFileSync(log, `${Deno.pid} ${word} ${id}\n`, { append: true });
  class NotingBench extends FakeBench {
    override run(...given: Parameters<FakeBench["run"]>) {
      note("began", given[0].trial.id);
      return super.run(...given);
    }
  }
  const { trials } = await planSweep(workerSpec);
  using file = await SweepFile.open(path, workerSpec, trials);
  for await (const { trial } of runLedger(file, new NotingBench(Number(milliseconds)))) note("kept", trial.id);
}
