import { type DerivedRow, millisecondsOf, type ShapesRow, type StepKind, type StepRow } from "./rows.ts";

/** A step's time at lengths that were measured. */
type Curve = readonly { readonly length: number; readonly milliseconds: number }[];

/**
 * What measured steps come to for whole runs: a prompt of N tokens is read in N / chunk steps, each as long as the one measured
 * at its place (straight lines between measured lengths), and the first token takes a decode step more. Where the whole model
 * was not measured at a length, its layers take as long as the one layer measured there; what comes beside layers (embedding
 * and head) is the difference at the shortest length at which both were measured, and left out where none was.
 */
export function deriveRows(rows: readonly ShapesRow[], layersOf: (model: string) => number): DerivedRow[] {
  const steps = rows.filter((row): row is StepRow => row.kind === "step");
  const names = [...new Set(steps.map(({ model, method }) => JSON.stringify([model, method])))];
  return names.flatMap((name) => {
    const [model, method] = JSON.parse(name) as [string, string];
    const own = steps.filter((row) => row.model === model && row.method === method);
    return deriveMethod(own, layersOf(model));
  });
}

function deriveMethod(steps: readonly StepRow[], layers: number): DerivedRow[] {
  const lengths = [...new Set(steps.map(({ length }) => length))].sort((a, b) => a - b);
  const prefill = wholeCurve(steps, "prefill", layers, millisecondsOf);
  const decode = wholeCurve(steps, "decode", layers, millisecondsOf);
  const byClock = (step: StepKind) => wholeCurve(steps, step, layers, ({ wallMilliseconds }) => wallMilliseconds).curve;
  const clock = { prefill: byClock("prefill"), decode: byClock("decode") };
  return lengths.flatMap((length) => {
    const write = decode.curve.find((point) => point.length === length);
    if (!write || !prefill.curve.some((point) => point.length === length)) return [];
    const { model, method, rows: chunk } = steps.find(({ step }) => step === "prefill")!;
    const chunks = Math.ceil(length / chunk);
    const reading = readingTime(prefill.curve, chunks, chunk);
    const clockToken = timeAt(clock.decode, length);
    const clockSeconds = (readingTime(clock.prefill, chunks, chunk) + clockToken) / 1000;
    const basis = prefill.layered.has(length) || decode.layered.has(length) ? "one layer" : "whole model";
    const first = prefill.curve[0];
    const last = prefill.curve.find((point) => point.length === length)!;
    const ms = (value: number) => `${value.toFixed(2)} ms`;
    const beside = prefill.rest === undefined || decode.rest === undefined
      ? "embedding and head left out"
      : `and ${ms(prefill.rest)} beside them, decoding ${ms(decode.rest)}`;
    const rest = basis === "one layer" ? ` (${layers} layers x one layer's, ${beside})` : "";
    const stored = [...new Set(steps.filter((row) => row.length <= length).map(({ storage = "f16" }) => storage))];
    const cache = stored.length > 1 || stored[0] !== "f16" ? `, keys and values in ${stored.join(" or ")}` : "";
    return [{
      kind: "derived",
      model,
      method,
      length,
      firstTokenSeconds: (reading + write.milliseconds) / 1000,
      tokensPerSecond: 1000 / write.milliseconds,
      byClock: { firstTokenSeconds: clockSeconds, tokensPerSecond: 1000 / clockToken },
      basis,
      arithmetic: `${chunks} chunks of ${chunk}, ${ms(first.milliseconds)} at ${first.length} to ` +
        `${ms(last.milliseconds)} at ${length}, ${ms(reading / chunks)} on average${rest}${cache}: ` +
        `${chunks} x ${ms(reading / chunks)} + ${ms(write.milliseconds)} = ` +
        `${((reading + write.milliseconds) / 1000).toFixed(1)} s; 1 / ${ms(write.milliseconds)} = ` +
        `${(1000 / write.milliseconds).toFixed(1)} tokens/s`,
    }];
  });
}

/** Milliseconds of all chunks of a prompt. */
function readingTime(curve: Curve, chunks: number, chunk: number): number {
  let time = 0;
  for (let index = 0; index < chunks; index++) time += timeAt(curve, index * chunk);
  return time;
}

/** A step's times of the whole model: measured, or made of one layer's. */
function wholeCurve(steps: readonly StepRow[], step: StepKind, layers: number, timeOf: (row: StepRow) => number) {
  const of = (part: string): Curve =>
    steps.filter((row) => row.step === step && row.part === part)
      .map((row) => ({ length: row.length, milliseconds: timeOf(row) })).sort((a, b) => a.length - b.length);
  const [whole, layer] = [of("whole"), of("layer")];
  const both = whole.find(({ length }) => layer.some((point) => point.length === length));
  const layerThere = layer.find(({ length }) => length === both?.length);
  const rest = both && layerThere ? Math.max(0, both.milliseconds - layers * layerThere.milliseconds) : undefined;
  const made = layer.filter(({ length }) => !whole.some((point) => point.length === length));
  const points = made.map(({ length, milliseconds }) => ({
    length,
    milliseconds: layers * milliseconds + (rest ?? 0),
  }));
  return {
    curve: [...whole, ...points].sort((a, b) => a.length - b.length),
    layered: new Set(made.map(({ length }) => length)),
    rest,
  };
}

/** A straight line between measured lengths; before the first and after the last as there. */
function timeAt(curve: Curve, length: number): number {
  const after = curve.findIndex((point) => point.length >= length);
  if (after === -1) return curve[curve.length - 1].milliseconds;
  if (after === 0) return curve[0].milliseconds;
  const [left, right] = [curve[after - 1], curve[after]];
  const share = (length - left.length) / (right.length - left.length);
  return left.milliseconds + share * (right.milliseconds - left.milliseconds);
}
