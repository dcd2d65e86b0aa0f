import { assertAlmostEquals, assertEquals, assertGreater, assertLess } from "@std/assert";
import { Pacing } from "../../lib/gpu/mod.ts";

Deno.test("Pacing learns the adapter's speed from submits that waited", () => {
  const pacing = new Pacing(true, 40);
  const start = pacing.budget;
  // Each submit of `budget` work takes 400 ms: ten times the target, so the budget must fall.
  let now = 0;
  for (let i = 0; i < 20; i++) pacing.submitted(pacing.budget, now, now += pacing.budget / start * 400);
  assertLess(pacing.budget, start / 5);
  assertGreater(pacing.budget, start / 20);
  const discrete = new Pacing(false);
  const fixed = discrete.budget;
  discrete.submitted(fixed, 0, 500);
  assertEquals(discrete.budget, fixed);
});

Deno.test("Pacing learns a discrete GPU's speed from when its work is done, and nothing where it had idled", () => {
  const learn = (speed: number, wait: number) => {
    const pacing = new Pacing(false, 40);
    const first = pacing.budget;
    for (let i = 1; i < 40; i++) pacing.finished(i * first, i * 40 / speed - wait, i * 40 / speed);
    return pacing.budget / first;
  };
  // Four times the speed it was taken for; past the most that is believed; a third of it; never waited for.
  assertAlmostEquals(learn(4, 5), 4, 0.1);
  assertEquals(learn(100, 5), 6);
  assertAlmostEquals(learn(1 / 3, 5), 1 / 3, 0.1);
  assertEquals(learn(4, 0), 1);
});

Deno.test("a call is not cut into pieces of fewer workgroups than a large GPU runs at a time", () => {
  assertEquals([new Pacing(true).fewestGroups, new Pacing(false).fewestGroups], [1, 512]);
});
