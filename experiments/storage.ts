/**
 * `deno task storage`: reads the same haystacks with keys and values stored as f32, f16 and int8, asks for the needles, and sets what
 * each selects beside what f32 selects. `--help` tells the options.
 */

import { z } from "zod";
import type { StorageType } from "../lib/attention/mod.ts";
import {
  askNeedle,
  clusteredInterval,
  type Haystack,
  makeHaystack,
  questionRoom,
  Random,
} from "../lib/evaluation/mod.ts";
import { Device } from "../lib/gpu/mod.ts";
import { loadModel, type Model } from "../lib/model/mod.ts";
import { writeAside } from "../lib/platform.ts";
import { describeMachine, today } from "./demo/results.ts";
import { FlagsError, readFlags } from "./command/flags.ts";
import { runToEnd } from "./command/run_to_end.ts";

const USAGE = `usage: deno task storage [options]

The embedded model with the method reattention, keys and values stored in several ways. Each context is read once with each way, and
all its needles are asked for. Prints exact match with its interval, bytes of keys and values a token, and how much of what is
attended to at a question's last token is what f32 storage attends to (Jaccard, mean of layers).

  --length N       tokens of a context (default 8192)
  --haystacks N    contexts (default 13)
  --needles N      needles, and questions, in each (default 4)
  --seed N         seed of the contexts (default 1)
  --json FILE      writes the rows there
  --help           prints this`;

const whole = (name: string, least: number) =>
  z.string().refine((text) => /^\d{1,9}$/.test(text) && Number(text) >= least, {
    error: ({ input }) => `${name} "${input}" must be a whole number of at least ${least}`,
  }).transform(Number);
const schema = z.object({
  length: whole("--length", 1024).default(8192),
  haystacks: whole("--haystacks", 1).default(13),
  needles: whole("--needles", 1).default(4),
  seed: whole("--seed", 0).default(1),
  json: z.string().min(1, "--json must name a file, not be empty").optional(),
  help: z.boolean().default(false),
});
type Asked = z.infer<typeof schema>;

/** One way to store, and what came of it. */
interface Row {
  readonly keys: StorageType;
  readonly values: StorageType;
  readonly exact: number;
  readonly low: number;
  readonly high: number;
  readonly questions: number;
  /** Of what is selected, f32's selections being 1. */
  readonly agreement: number;
  readonly bytesPerToken: number;
}

async function run(asked: Asked): Promise<void> {
  using device = await Device.open();
  using model = await loadModel("demo", { device });
  const ways: [StorageType, StorageType][] = [["f32", "f32"], ["int8", "int8"], ["int8", "f32"], ["f32", "int8"]];
  if (device.info.f16) ways.splice(1, 0, ["f16", "f16"]);
  const found = ways.map(([keys, values]) => new Way(model, keys, values));
  for (let haystack = 0; haystack < asked.haystacks; haystack++) {
    const context = await makeHaystack({
      tokenizer: model.tokenizer,
      tokens: asked.length - questionRoom,
      clear: Math.min(512, Math.floor(asked.length / 4)),
      needles: asked.needles,
      random: new Random(asked.seed + haystack),
    });
    let exact: Uint32Array[][] = [];
    for (const way of found) {
      const selected = await way.read(context);
      if (way === found[0]) exact = selected;
      way.agreements.push(...selected.map((layers, question) => agreement(layers, exact[question])));
    }
    console.error(`${haystack + 1} of ${asked.haystacks} contexts`);
  }
  const rows = found.map((way) => way.row());
  console.log(`${describeMachine(device)}; ${asked.length} tokens, ${asked.haystacks} contexts\n`);
  console.log("keys  values  exact  interval   questions  same selections  bytes a token");
  for (const { keys, values, exact, low, high, questions, agreement, bytesPerToken } of rows) {
    console.log(
      `${keys.padEnd(5)} ${values.padEnd(6)}   ${exact.toFixed(2)}  ${low.toFixed(2)}-${high.toFixed(2)} ` +
        `${String(questions).padStart(10)}  ${agreement.toFixed(3).padStart(15)}  ${
          String(bytesPerToken).padStart(13)
        }`,
    );
  }
  if (asked.json === undefined) return;
  const made = { schema: 1, machine: describeMachine(device), date: today(), model: "demo", method: "reattention" };
  await writeAside(asked.json, `${JSON.stringify({ ...made, ...asked, rows }, null, 1)}\n`);
  console.log(`\nrows: ${asked.json}`);
}

/** One way to store keys and values. */
class Way {
  /** Of each question, how much of its selections agree. */
  readonly agreements: number[] = [];
  readonly #scores: { correct: number; total: number }[] = [];
  #bytesPerToken = 0;

  constructor(readonly model: Model, readonly keys: StorageType, readonly values: StorageType) {}

  /** Reads a context and asks for its needles; tells what was selected for each question, layer by layer. */
  async read(context: Haystack): Promise<Uint32Array[][]> {
    const { tokenizer } = this.model;
    const cache = { keyType: this.keys, valueType: this.values };
    using session = this.model.createSession({ method: "reattention", cache, trace: true });
    await session.append(context.tokens);
    // Pages hold 256 tokens each.
    this.#bytesPerToken = session.cacheBytes / (256 * Math.ceil(session.length / 256));
    const selected: Uint32Array[][] = [];
    let correct = 0;
    for (const needle of context.needles) {
      const { prompt, answer } = askNeedle(needle);
      const tokens = tokenizer.encode(prompt, { addSpecialTokens: false });
      const maxTokens = tokenizer.encode(answer, { addSpecialTokens: false }).length;
      using fork = session.fork();
      fork.clearTrace();
      fork.markQuestion();
      const written = await fork.generate(tokens, { maxTokens, stopTokens: [] });
      if (tokenizer.decode(written).trim() === answer.trim()) correct++;
      // The prompt's last token is the answer's first step.
      const step = (await fork.readTrace()).at(-maxTokens)!;
      selected.push(step.layers.map(({ groups }) => groups[0].indices));
    }
    this.#scores.push({ correct, total: context.needles.length });
    return selected;
  }

  row(): Row {
    const questions = this.#scores.reduce((sum, { total }) => sum + total, 0);
    const correct = this.#scores.reduce((sum, { correct }) => sum + correct, 0);
    const { low, high } = clusteredInterval(this.#scores);
    const mean = this.agreements.reduce((sum, share) => sum + share, 0) / this.agreements.length;
    const { keys, values } = this;
    return {
      keys,
      values,
      exact: correct / questions,
      low,
      high,
      questions,
      agreement: mean,
      bytesPerToken: this.#bytesPerToken,
    };
  }
}

/** Of the tokens that either list attends to, how many both do; mean over layers. */
function agreement(layers: readonly Uint32Array[], exact: readonly Uint32Array[]): number {
  const shares = layers.map((indices, layer) => {
    const known = new Set(exact[layer]);
    const both = indices.filter((token) => known.has(token)).length;
    return both / (indices.length + known.size - both);
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

if (import.meta.main) {
  const parse = (args: readonly string[]) => readFlags(schema, args);
  Deno.exitCode = await runToEnd({ name: "storage", usage: USAGE, parse, argumentsError: FlagsError, run }, Deno.args);
}
