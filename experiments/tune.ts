/**
 * `deno task tune`: which option of each kernel is fastest on this adapter?
 *
 * Every option that the adapter can run is compared with plain numbers, then timed in turns with the others. One is kept
 * for later runs, in the user's cache folder, only where it beats the usual one by more than 5 %.
 */
import { parseArgs } from "node:util";
import { z } from "zod";
import { Device, readTunedChoices, type TunedChoices, tunedChoicesPath } from "../lib/gpu/mod.ts";
import { removeFile, writeAside } from "../lib/platform.ts";
import { RecordedWork, timeInTurns } from "./bench/clock.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";
import type { Question } from "./tune/question.ts";
import { questions } from "./tune/questions.ts";

const USAGE = `usage: deno task tune [--filter TEXT] [--forget]

Measures which option of each kernel is fastest on this adapter and keeps the answers for later runs.

  --filter TEXT  only questions whose name holds TEXT, such as "matmul"
  --forget       removes what was kept: the usual options run again
  --help         prints this`;

const schema = z.object({
  help: z.boolean().default(false),
  forget: z.boolean().default(false),
  filter: z.string().min(1, "--filter must be a text, not empty").default(""),
});

/** How much faster than the usual option another must be. */
const GAIN = 1.05;
const REPEATS = 5;

/** The fastest option of a question; the usual one unless another is clearly faster. */
async function answer(device: Device, { name, options, usual, item }: Question): Promise<string> {
  const fitting = options.filter((option) => device.choices.fits(option));
  const works: { name: string; contender: RecordedWork }[] = [];
  using open = item.open(device);
  for (const option of fitting) {
    try {
      device.choices.pick(name, option.name);
      const error = await open.error();
      if (!(error <= item.tolerance)) throw new Error(`error ${error.toExponential(1)}`);
      const record = () => {
        device.choices.pick(name, option.name);
        return open.record();
      };
      works.push({ name: option.name, contender: new RecordedWork(device, record, option.name) });
    } catch (error) {
      console.log(`  ${option.name}: left out, ${(error as Error).message}`);
    }
  }
  const timings = await timeInTurns(works.map(({ contender }) => contender), { repeats: REPEATS });
  device.choices.pick(name, undefined);
  works.forEach((work, index) => console.log(`  ${work.name}: ${timings[index].milliseconds.toPrecision(4)} ms`));
  const first = works.findIndex((work) => work.name === usual(device));
  const best = timings.reduce((a, timing, index) => timing.milliseconds < timings[a].milliseconds ? index : a, 0);
  const gains = first < 0 || timings[first].milliseconds > GAIN * timings[best].milliseconds;
  return works[gains ? best : first].name;
}

async function tune(device: Device, path: string, filter: string): Promise<number> {
  const asked = questions(device).filter(({ name }) => name.includes(filter));
  if (!asked.length) {
    console.error(`tune: --filter "${filter}" fits no question; names are such as "${questions(device)[0].name}"`);
    return 2;
  }
  // What was not asked now keeps its answers of before.
  const choices = await readTunedChoices(device.info);
  for (const question of asked) {
    console.log(question.name);
    const usual = question.usual(device);
    const picked = await answer(device, question);
    console.log(`  -> ${picked}${picked === usual ? ", as usual" : ` instead of ${usual}`}`);
    if (picked === usual) delete choices[question.name];
    else choices[question.name] = picked;
  }
  const file: TunedChoices = { schema: 1, adapter: device.info.name, choices };
  await writeAside(path, JSON.stringify(file, null, 1) + "\n");
  console.log(`kept for later runs: ${path}`);
  return 0;
}

async function main(args: readonly string[]): Promise<number> {
  let asked: z.infer<typeof schema>;
  try {
    const options = { help: { type: "boolean" }, forget: { type: "boolean" }, filter: { type: "string" } } as const;
    asked = schema.parse(parseArgs({ args: [...args], options }).values);
  } catch (error) {
    const message = error instanceof z.ZodError ? error.issues[0].message : (error as Error).message;
    console.error(`tune: ${message}\n${USAGE}`);
    return 2;
  }
  if (asked.help) {
    console.log(USAGE);
    return 0;
  }
  nameRuntimeFolder();
  // Nothing picked before: the usual options are what others are compared with.
  using device = await Device.open({ choices: {} });
  const path = tunedChoicesPath(device.info);
  if (!path) {
    console.error("tune: there is no folder to keep the answers in; set HOME or XDG_CACHE_HOME");
    return 1;
  }
  if (asked.forget) {
    await removeFile(path);
    console.log(`forgotten: ${path}`);
    return 0;
  }
  console.log(`${device.info.name}${device.info.software ? " (software)" : ""}`);
  return await tune(device, path, asked.filter);
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
