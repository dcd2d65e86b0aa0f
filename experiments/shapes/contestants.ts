import { type Knobs, type MethodName, paperKnobs } from "../../lib/attention/mod.ts";

/** A method and its knobs. */
export interface Contestant {
  /** What tables call it. */
  readonly label: string;
  readonly method: MethodName;
  readonly knobs: Partial<Knobs>;
}

/** Full attention, and ReAttention with the paper's knobs: it selects in every chunk, or reads with its window only. */
export function contestants(trainedContext: number): readonly Contestant[] {
  const small = trainedContext < 8192 ? { window: 256, recallClip: 7, chunkSize: 128 } : {};
  const knobs = { ...paperKnobs, ...small };
  return [
    { label: "full", method: "full", knobs: { ...knobs, allowBeyondTrained: true } },
    { label: "reattention", method: "reattention", knobs },
    { label: "reattention-window", method: "reattention-window", knobs },
  ];
}
