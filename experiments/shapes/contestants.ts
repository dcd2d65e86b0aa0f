import { type Knobs, type MethodName, paperKnobs } from "../../lib/attention/mod.ts";

/** What tables call the methods: full attention comes last, since its steps take longest. */
export const contestantNames = ["reattention", "reattention-window", "full"] as const satisfies readonly MethodName[];

/** One of them. */
export type ContestantName = typeof contestantNames[number];

/** A method and its knobs. */
export interface Contestant {
  readonly method: ContestantName;
  readonly knobs: Partial<Knobs>;
}

/** ReAttention with the paper's knobs, which selects in every chunk or reads with its window only, and full attention. */
export function contestants(methods: readonly ContestantName[], trainedContext: number): readonly Contestant[] {
  const small = trainedContext < 8192 ? { window: 256, recallClip: 7, chunkSize: 128 } : {};
  const knobs = { ...paperKnobs, ...small };
  return methods.map((method) => ({
    method,
    knobs: method === "full" ? { ...knobs, allowBeyondTrained: true } : knobs,
  }));
}
