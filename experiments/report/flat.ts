import type { AxisValue, TrialRecord } from "../../lib/evaluation/mod.ts";

/** A trial as one flat object; its knobs stand under `knobs`, its task's options under `task`. */
export interface FlatTrial {
  readonly [field: string]: AxisValue | null | Readonly<Record<string, AxisValue>>;
}

/** A record without its single answers. */
export function flatTrial(
  sweep: string,
  { trial, status, result, error, endedAt, environment }: TrialRecord,
): FlatTrial {
  const { id, setting, model, task, parameters, method, length, seed, knobs } = trial;
  const { questions, ...measured } = result ?? { questions: [] };
  const empty = {
    metric: null,
    score: null,
    tokens: null,
    readSeconds: null,
    shared: null,
    answerSeconds: null,
    tokensPerSecond: null,
    peakBytes: null,
    scope: null,
  };
  return {
    sweep,
    id,
    setting,
    status,
    model,
    method,
    length,
    seed,
    ...empty,
    ...measured,
    questions: result ? questions.length : null,
    right: result ? questions.filter(({ score }) => score === 1).length : null,
    error,
    endedAt,
    ...environment,
    task: { name: task, ...parameters },
    knobs: { ...knobs } as unknown as Record<string, AxisValue>,
  };
}

/** A flat trial's cells by column: "knobs.k" for a knob. */
export function cellsOf(flat: FlatTrial): Map<string, AxisValue | null> {
  return new Map(
    Object.entries(flat).flatMap(([name, value]): [string, AxisValue | null][] =>
      typeof value === "object" && value !== null
        ? Object.entries(value).map(([inner, cell]) => [`${name}.${inner}`, cell])
        : [[name, value]]
    ),
  );
}

/** Names of all columns, in the order in which they come up. */
export function columnsOf(rows: readonly ReadonlyMap<string, unknown>[]): string[] {
  return [...new Set(rows.flatMap((row) => [...row.keys()]))];
}
