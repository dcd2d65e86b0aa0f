import { assert, assertEquals } from "@std/assert";
import { needleVariants } from "../../../lib/evaluation/mod.ts";
import { NEEDLES, ORIGINAL_POSITIONS, picturedJob, planJobs, plannedLengths } from "../../../experiments/demo/plan.ts";

const TRAINED = 512;
const software = { trainedContext: TRAINED, software: true };

Deno.test("planJobs covers 512 to 131,072 tokens, with a method that selects at each", () => {
  const jobs = planJobs({}, software);
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
  const marked = planJobs({}, software).filter(({ knobs }) => knobs.allowBeyondTrained);
  assert(marked.length > 0);
  assert(marked.every(({ method, length }) => method === "full" && length > TRAINED));
});

Deno.test("planJobs runs a named method at every length, others where they are planned", () => {
  const named = planJobs({ lengths: [512, 131_072], methods: ["full"] }, software);
  assertEquals(named.map(({ method, length }) => [method, length]), [["full", 512], ["full", 131_072]]);
  const long = planJobs({ lengths: [65_536] }, software);
  assertEquals(long.map(({ method }) => method), ["reattention-window"]);
});

Deno.test("planJobs runs a length beyond the plan as the longest, one between as the next", () => {
  assertEquals(planJobs({ lengths: [1_000_000] }, software).map(({ method }) => method), ["reattention-window"]);
  const methods = (length: number) =>
    planJobs({ lengths: [length] }, software).map(({ method, haystacks }) => [method, haystacks]);
  assertEquals(methods(1000), methods(2048));
});

Deno.test("planJobs asks at least 20 questions a figure, of the same number of needles, and 50 in full", () => {
  for (const full of [false, true]) {
    for (const { haystacks, questionsPerNeedle, length } of planJobs({ full }, software)) {
      const questions = haystacks * NEEDLES * questionsPerNeedle;
      assert(questions >= (full ? 50 : 20), `${questions} questions at ${length}`);
      if (full) assert(haystacks >= (length > 32_768 ? 5 : 10), `${haystacks} haystacks at ${length}`);
    }
  }
});

Deno.test("planJobs in full selects in every chunk to the end on a GPU, and has harder rows", () => {
  const reach = (isSoftware: boolean) =>
    planJobs({ full: true }, { ...software, software: isSoftware }).filter(({ label }) => label === "reattention")
      .map(({ length }) => length);
  assertEquals([Math.max(...reach(true)), Math.max(...reach(false))], [8192, 131_072]);
  const jobs = planJobs({ full: true, lengths: [8192] }, { ...software, software: false });
  // Chains with every number before every link are a task of sweeps.
  const harder = needleVariants.filter((variant) => variant !== "chain-direct-forward");
  for (const variant of harder) assert(jobs.some((job) => job.variant === variant), variant);
  const original = jobs.find(({ label }) => label === ORIGINAL_POSITIONS);
  assertEquals(original?.knobs, { positions: "original" });
});

Deno.test("picturedJob is the longest that selects, if any", () => {
  assertEquals(picturedJob(planJobs({}, software))?.length, 131_072);
  assertEquals(picturedJob(planJobs({ methods: ["full", "streaming"] }, software)), undefined);
});
