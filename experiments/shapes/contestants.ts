import { type Knobs, type MethodName, paperKnobs } from "../../lib/attention/mod.ts";

/** A method and its knobs. */
export interface Contestant {
  /** What tables call it. */
  readonly label: string;
  readonly method: MethodName;
  readonly knobs: Partial<Knobs>;
}

/**
 * ReAttention with the paper's knobs, which selects in every chunk or reads with its window only, and full attention, whose steps take
 * longest.
 */
export function contestants(trainedContext: number): readonly Contestant[] {
  const small = trainedContext < 8192 ? { window: 256, recallClip: 7, chunkSize: 128 } : {};
  const knobs = { ...paperKnobs, ...small };
  return [
    { label: "reattention", method: "reattention", knobs },
    { label: "reattention-window", method: "reattention-window", knobs },
    { label: "full", method: "full", knobs: { ...knobs, allowBeyondTrained: true } },
  ];
}
