import { type LossBin, lossByPosition, meanOf, standardError, textTable } from "../../lib/evaluation/mod.ts";
import { writeAside } from "../../lib/platform.ts";
import { curveFigure, saveFigure } from "../../lib/viz/mod.ts";
import type { MethodName } from "../../lib/attention/mod.ts";
import type { EvaluateArguments } from "./arguments.ts";
import type { EvaluateOn } from "./evaluate_on.ts";
import { haystackText } from "./questions.ts";
import { knobsOf } from "./run.ts";

/**
 * Scored tokens of a bin. A token's loss has a standard deviation of about 3.2 nats in the embedded model's novels, so that
 * 32 of them left a standard error of 0.6, and stretches of 32 in one bin did differ by 0.45; 256 leave 0.2.
 */
const ROWS = 256;

/** A method's losses over a text. */
interface MethodLosses {
  readonly method: MethodName;
  readonly votes: boolean;
  readonly bins: readonly LossBin[];
  readonly seconds: number;
}

/** Loss by position for each method: a table, a curve, and the single losses as JSON. */
export async function runPerplexity(asked: EvaluateArguments, on: EvaluateOn): Promise<void> {
  const { model, progress } = on;
  const text = await haystackText(asked);
  const most = asked.lengths ? Math.max(...asked.lengths) : undefined;
  // A little more text than tokens wanted: no token is longer than that many characters on average.
  const tokens = model.tokenizer.encode(most === undefined ? text : text.slice(0, 16 * most)).slice(0, most);
  if (tokens.length < 2) throw new RangeError("the text has fewer than two tokens: there is nothing to expect");
  const all: MethodLosses[] = [];
  for (const method of asked.methods) all.push(await lossesOf(method, tokens, asked, on));
  progress.clear();
  const table = [lossTable(all), ...differences(all)].join("\n\n");
  console.log(
    `\n${tokens.length} tokens; loss in nats a token with its standard error, perplexity in brackets\n\n${table}\n`,
  );
  for (const { method, seconds, votes, bins } of all) {
    const scored = bins.reduce((sum, { losses }) => sum + losses.length, 0);
    console.log(
      `${method}: ${scored} tokens scored in ${seconds.toFixed(1)} s${votes ? ", each a step of its own" : ""}`,
    );
  }
  await writeAside(`${asked.out}/losses.json`, `${JSON.stringify(all)}\n`);
  await writeAside(`${asked.out}/losses.md`, `${table}\n`);
  await saveFigure(lossFigure(all), `${asked.out}/losses.html`, `Loss by position, ${asked.model}`);
  console.log(`losses: ${asked.out}`);
}

async function lossesOf(
  method: MethodName,
  tokens: readonly number[],
  asked: EvaluateArguments,
  { model, progress, signal }: EvaluateOn,
): Promise<MethodLosses> {
  using session = model.createSession({ method, knobs: knobsOf(method, asked) });
  const { chunkSize, k } = session.method.knobs;
  const chunk = chunkSize;
  const bin = Math.ceil((asked.bin ?? 1024) / chunk) * chunk;
  // Methods without picks attend by place alone: no token of a chunk decides for another.
  const votes = method !== "full" && method !== "streaming" && k > 0;
  const rows = asked.rows === 0 ? Infinity : asked.rows ?? ROWS;
  const start = performance.now();
  const bins = await lossByPosition(session, tokens, model.config.vocabularySize, {
    bin,
    rows,
    chunk,
    votes,
    signal,
    onBin: ({ start }) => progress.update(start / tokens.length, `loss, ${method}`, `token ${start}`),
  });
  return { method, votes, bins, seconds: (performance.now() - start) / 1000 };
}

function shown(losses: readonly number[]): string {
  const error = losses.length > 1 ? ` ± ${standardError(losses).toFixed(3)}` : "";
  return `${meanOf(losses).toFixed(3)}${error} (${Math.exp(meanOf(losses)).toFixed(1)})`;
}

/** How methods differ from the first, on the same tokens: most of a loss is the token's own and falls out of the difference. */
function differences([first, ...others]: readonly MethodLosses[]): string[] {
  const flat = ({ bins }: MethodLosses) => bins.flatMap(({ losses }) => losses);
  const own = flat(first);
  return others.map((other) => {
    const less = flat(other).map((loss, index) => loss - own[index]);
    return `${other.method} less ${first.method}: ${meanOf(less).toFixed(3)} ± ${
      standardError(less).toFixed(3)
    } (${less.length} tokens, paired)`;
  });
}

function lossTable(all: readonly MethodLosses[]): string {
  const head = all.flatMap(({ method, votes }) => votes ? [method, `${method}, look-ahead`] : [method]);
  const starts = all[0].bins.map(({ start }) => start);
  const cells = (pick: (bins: readonly LossBin[]) => readonly LossBin[]) => {
    return all.flatMap(({ votes, bins }) => {
      const picked = pick(bins);
      const causal = shown(picked.flatMap(({ losses }) => losses));
      return votes ? [causal, shown(picked.flatMap(({ lookAhead }) => lookAhead))] : [causal];
    });
  };
  const rows = starts.map((start, index) => [`from ${start}`, ...cells((bins) => bins.slice(index, index + 1))]);
  return textTable(["tokens", ...head], [...rows, ["all", ...cells((bins) => bins)]]);
}

function lossFigure(all: readonly MethodLosses[]) {
  const series = all.flatMap(({ method, votes, bins }) => {
    const points = (key: "losses" | "lookAhead") =>
      bins.map((bin) => ({ x: Math.max(1, bin.start), y: meanOf(bin[key]) }));
    const causal = { name: method, points: points("losses") };
    return votes ? [causal, { name: `${method}, look-ahead`, points: points("lookAhead") }] : [causal];
  });
  return curveFigure({ title: "", xTitle: "position (tokens)", yTitle: "loss (nats a token)", series });
}
