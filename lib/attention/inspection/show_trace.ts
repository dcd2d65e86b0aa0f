import { type DisplayBundle, valueBundle } from "../../notebook/mod.ts";

/** What is shown of a step. */
interface ShownStep {
  readonly step: number;
  readonly kind: string;
  readonly frozen: boolean;
  readonly rows: number;
  readonly length: number;
  readonly layers: readonly {
    readonly groups: readonly { readonly indices: ArrayLike<number>; readonly centers: ArrayLike<number> }[];
  }[];
}

/** Steps that are listed; of longer traces the last ones. */
const LISTED = 24;

/** A trace as a notebook shows it: one row per step. */
export function showTrace(steps: readonly ShownStep[]): DisplayBundle {
  const listed = steps.slice(-LISTED);
  const layers = Math.max(0, ...steps.map((step) => step.layers.length));
  return valueBundle({
    title: `trace: ${steps.length} ${steps.length === 1 ? "step" : "steps"}, ${layers} layers`,
    columns: ["step", "kind", "tokens", "cached", "attended at most", "candidates kept"],
    rows: listed.map((step) => {
      const groups = step.layers.flatMap((layer) => layer.groups);
      const most = (count: (group: (typeof groups)[number]) => number) => String(Math.max(0, ...groups.map(count)));
      const kind = step.frozen ? `${step.kind}, held` : step.kind;
      return [
        String(step.step),
        kind,
        String(step.rows),
        String(step.length),
        most(({ indices }) => indices.length),
        most(({ centers }) => centers.length),
      ];
    }),
    ...(listed.length < steps.length ? { note: `the last ${listed.length} of ${steps.length} steps` } : {}),
  });
}
