import { assert, assertEquals } from "@std/assert";
import { picturedJob, planJobs, plannedLengths } from "../../../experiments/demo/plan.ts";

const TRAINED = 512;

Deno.test("planJobs covers 512 to 131,072 tokens, with a method that selects at each", () => {
  const jobs = planJobs({}, TRAINED);
  assertEquals([plannedLengths[0], plannedLengths.at(-1)], [512, 131_072]);
  for (const length of plannedLengths) {
    assert(jobs.some((job) => job.length === length && job.method === "reattention-window"), `at ${length}`);
  }
  assert(
    jobs.some(({ method, length }) => method === "full" && length > TRAINED),
    "full attention has to be seen failing",
  );
});

Deno.test("planJobs lets only full attention past the trained context, and only there", () => {
  const marked = planJobs({}, TRAINED).filter(({ knobs }) => knobs.allowBeyondTrained);
  assert(marked.length > 0);
  assert(marked.every(({ method, length }) => method === "full" && length > TRAINED));
});

Deno.test("planJobs runs a named method at every length, others where they are planned", () => {
  const named = planJobs({ lengths: [512, 131_072], methods: ["full"] }, TRAINED);
  assertEquals(named.map(({ method, length }) => [method, length]), [["full", 512], ["full", 131_072]]);
  const long = planJobs({ lengths: [65_536] }, TRAINED);
  assertEquals(long.map(({ method }) => method), ["reattention-window"]);
});

Deno.test("planJobs runs a length beyond the plan as the longest, one between as the next", () => {
  assertEquals(planJobs({ lengths: [1_000_000] }, TRAINED).map(({ method }) => method), ["reattention-window"]);
  const methods = (length: number) =>
    planJobs({ lengths: [length] }, TRAINED).map(({ method, haystacks }) => [method, haystacks]);
  assertEquals(methods(1000), methods(2048));
});

Deno.test("picturedJob is the longest that selects, if any", () => {
  assertEquals(picturedJob(planJobs({}, TRAINED))?.length, 131_072);
  assertEquals(picturedJob(planJobs({ methods: ["full", "streaming"] }, TRAINED)), undefined);
});
