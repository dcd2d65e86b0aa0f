import { assert, assertEquals, assertMatch } from "@std/assert";
import { jobsProgress } from "../../../experiments/demo/jobs_progress.ts";
import { planJobs } from "../../../experiments/demo/plan.ts";
import { Progress } from "../../../experiments/command/progress.ts";

function watched(terminal: boolean, columns = 80) {
  const clock = { now: 0 };
  const written: string[] = [];
  const progress = new Progress({ write: (text) => written.push(text), terminal, columns, now: () => clock.now });
  return { clock, written, progress };
}

Deno.test("Progress draws over its line in a terminal and takes it away", () => {
  const { clock, written, progress } = watched(true);
  progress.update(0, "full at 512", "reading 1 of 3");
  clock.now = 50;
  progress.update(0.1, "full at 512", "reading 1 of 3");
  clock.now = 2200;
  progress.update(0.5, "full at 512", "asking 1 of 3");
  progress.clear();
  progress.clear();
  assertEquals(written, [
    "\r\x1b[2K[----------------]  0 %  full at 512, reading 1 of 3, 0 s",
    "\r\x1b[2K[########--------] 50 %  full at 512, asking 1 of 3, 2 s",
    "\r\x1b[2K",
  ]);
});

Deno.test("Progress never fills the terminal's line", () => {
  const { written, progress } = watched(true, 40);
  progress.update(1, "reattention-window at 131072", "reading 1 of 1");
  assertEquals(written[0].replace("\r\x1b[2K", "").length, 39);
});

Deno.test("Progress prints plain lines elsewhere: at a new label, and every 15 seconds", () => {
  const { clock, written, progress } = watched(false);
  for (clock.now = 0; clock.now <= 31_000; clock.now += 500) {
    progress.update(clock.now / 62_000, "full at 512", "reading 1 of 3");
  }
  progress.update(0.6, "streaming at 512", "reading 1 of 3");
  progress.clear();
  assertEquals(written.length, 4);
  assertMatch(written[1], /^ {1,2}24 % {2}full at 512, reading 1 of 3, 15 s\n$/);
  assert(written.every((text) => !text.includes("\x1b")));
});

Deno.test("jobsProgress rises from 0 to 1 over all rows", () => {
  const jobs = planJobs({}, { trainedContext: 512, software: true });
  const shares: number[] = [];
  const report = jobsProgress(jobs, { update: (share) => shares.push(share) });
  for (const job of jobs) {
    for (const done of [0, 50, 100]) report(job, { haystack: 0, phase: "reading", done, total: 100 });
  }
  assertEquals(shares[0], 0);
  assert(Math.abs(shares.at(-1)! - 1) < 1e-9);
  for (let i = 1; i < shares.length; i++) assert(shares[i] >= shares[i - 1]);
});
