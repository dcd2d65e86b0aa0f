/**
 * `deno task recipe`: makes the embedded model anew. Data, the check that evaluation shares nothing with it, training in
 * PyTorch, export, the comparison with PyTorch and the strict figures, in results/demo_model. `--help` tells the options.
 */

import { parseArgs } from "node:util";
import { z } from "zod";
import { errorText } from "./command/error_text.ts";

const USAGE = `usage: deno task recipe [options]

Needs Python 3.12 or newer with npm and, on Debian or Ubuntu, apt-get for the books; training needs a GPU of PyTorch's
and idle CPU cores for the processes that make the sequences: about 5 minutes on an NVIDIA H100 with 8 of them (67 steps a
second; with 4 it was measured at 28), days on two CPU cores.

  --seed N         seed of the weights and the sequences (default 1)
  --steps N        steps of the training (default 16000)
  --workers N      processes that make the sequences (default 8)
  --batch SHARE    share of each batch, for a quick look (default 1)
  --python FILE    a Python that has experiments/demo_model/requirements.txt
                   (default: a virtual environment is made in results/demo_model and they are installed there)
  --no-evaluation  leaves out the strict figures (half an hour and more on two CPU cores)
  --help           prints this`;

const FOLDER = "results/demo_model";
const RECIPE = "experiments/demo_model";

const number = (name: string, least: number, whole: boolean) => (text: string, context: z.RefinementCtx) => {
  const value = Number(text);
  if (text.trim() !== "" && value >= least && Number.isFinite(value) && (!whole || Number.isInteger(value))) {
    return value;
  }
  const kind = whole ? "a whole number" : "a number";
  context.addIssue({ code: "custom", message: `${name} "${text}" must be ${kind} of at least ${least}` });
  return z.NEVER;
};

const schema = z.object({
  help: z.boolean().default(false),
  "no-evaluation": z.boolean().default(false),
  seed: z.string().default("1").transform(number("--seed", 0, true)),
  steps: z.string().default("16000").transform(number("--steps", 1, true)),
  workers: z.string().default("8").transform(number("--workers", 1, true)),
  batch: z.string().default("1").transform(number("--batch", 0.001, false)),
  python: z.string().min(1, "--python must name a program").optional(),
});

/** Runs one step in this terminal; ends the recipe where it fails. */
async function step(program: string, ...args: string[]): Promise<void> {
  console.log(`\n> ${[program, ...args].join(" ")}`);
  const { code } = await new Deno.Command(program, { args, stdin: "null" }).spawn().status;
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}`);
}

/** A Python with the pinned packages, in an environment of its own. */
async function ownPython(): Promise<string> {
  const python = `${FOLDER}/venv/bin/python`;
  await Deno.mkdir(FOLDER, { recursive: true });
  await step("python3", "-m", "venv", `${FOLDER}/venv`);
  await step(python, "-m", "pip", "install", "--quiet", "-r", `${RECIPE}/requirements.txt`);
  return python;
}

async function recipe(
  { seed, steps, workers, batch, python, "no-evaluation": bare }: z.infer<typeof schema>,
): Promise<void> {
  const program = python ?? await ownPython();
  const out = `${FOLDER}/seed${seed}`;
  await step(program, `${RECIPE}/prepare.py`);
  await step(program, `${RECIPE}/check_disjoint.py`);
  const training = ["--seed", `${seed}`, "--steps", `${steps}`, "--workers", `${workers}`, "--batch", `${batch}`];
  await step(program, `${RECIPE}/train.py`, ...training, "--out", out);
  await step(program, `${RECIPE}/cross_check.py`, "--model", out, "--out", `${out}/reference.json`);
  if (bare) return;
  const demo = ["task", "demo", "--model", out, "--full"];
  await step(Deno.execPath(), ...demo, "--json", `${out}/figures.json`, "--out", `${out}/page`);
}

async function main(args: readonly string[]): Promise<number> {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  const options = {
    help: flag,
    "no-evaluation": flag,
    seed: text,
    steps: text,
    workers: text,
    batch: text,
    python: text,
  };
  try {
    const parsed = schema.safeParse(parseArgs({ args: [...args], options, allowPositionals: false }).values);
    if (!parsed.success) throw new TypeError(parsed.error.issues.map(({ message }) => message).join("\n"));
    if (parsed.data.help) console.log(USAGE);
    else await recipe(parsed.data);
    return 0;
  } catch (error) {
    const wrong = error instanceof TypeError;
    console.error(`recipe: ${errorText(error)}${wrong ? `\n\n${USAGE}` : ""}`);
    return wrong ? 2 : 1;
  }
}

if (import.meta.main) {
  Deno.chdir(new URL("../", import.meta.url));
  Deno.exitCode = await main(Deno.args);
}
