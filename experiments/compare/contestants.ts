import { type Knobs, type LayerMethods, type MethodName, methodNames } from "../../lib/attention/mod.ts";

/**
 * Inside the trained window every method attends to an eighth of it; beyond, to as much as the model was trained with, unless a
 * method means to attend to everything.
 */
export type Regime = "inside" | "beyond";

/** A method with its knobs still open. */
export interface Contestant {
  /** What rows call it. */
  readonly label: string;
  /** The method, or one for each layer; "bm25" is the control outside attention. */
  readonly method: MethodName | LayerMethods | "bm25";
  /** Whether it takes part only where it is asked for by name. Default false. */
  readonly onlyAsked?: boolean;
  /** Settings to try, the first one the usual; as many for every method that has anything to set. */
  readonly trials: readonly Partial<Knobs>[];
}

/** Tokens that the embedded model was trained with. */
export const TRAINED = 512;
/** Tokens attended to inside the trained window. */
export const EIGHTH = TRAINED / 8;

/** Past this length, */
const LONG = 8192;
/**
 * dense attention reads longer chunks, which keep a large adapter busy. It gives the same whatever the chunk (a window it has none);
 * only dynamic NTK, which rotates by the length so far, changes a little.
 */
const DENSE: Partial<Knobs> = { chunkSize: 512, window: 512 };

/** Budgets of an eighth, split in three ways between leading tokens, spans and window. */
const INSIDE: readonly Partial<Knobs>[] = [
  { globalSize: 8, window: 32, spanSize: 8, recallClip: 3, chunkSize: 16 },
  { globalSize: 4, window: 20, spanSize: 8, recallClip: 5, chunkSize: 16 },
  { globalSize: 8, window: 24, spanSize: 4, recallClip: 8, chunkSize: 16 },
];
const INSIDE_OWN: Partial<Record<MethodName, Record<string, unknown>>> = {
  "infllm": { block: 4 },
  "quest": { page: 4, full: 0 },
  "quest-compact": { page: 4 },
  "long-heads": { chunk: 8 },
  "snapkv": { observed: 8 },
  "snapkv-compact": { observed: 8 },
};

/** Methods that attend to all tokens: they have no budget, so inside the window only full attention stands for them. */
const EVERYTHING: readonly MethodName[] = [
  "full",
  "linear",
  "ntk",
  "yarn",
  "self-extend",
  "rerope",
  "leaky-rerope",
  "dual-chunk",
];

/** Who takes part in a regime, at a length. */
export function contestants(regime: Regime, length: number): Contestant[] {
  const names = regime === "inside"
    ? methodNames.filter((name) => name === "full" || !EVERYTHING.includes(name))
    : methodNames;
  const own = names.map((method): Contestant => ({
    label: method,
    method,
    trials: regime === "inside" ? inside(method) : beyond(method, length),
  }));
  const original: Contestant = {
    label: "reattention (original positions)",
    method: "reattention",
    trials: own.find(({ method }) => method === "reattention")!.trials.map((knobs) => ({
      ...knobs,
      positions: "original",
    })),
  };
  const retrieval: Contestant = { label: "bm25", method: "bm25", trials: spans(regime) };
  return [...own, original, ...layered(original.trials), retrieval];
}

/** What it gives to select in some layers only. */
function layered(trials: readonly Partial<Knobs>[]): Contestant[] {
  const compact = trials.map((knobs): Partial<Knobs> => ({ ...knobs, positions: "compact", allowBeyondTrained: true }));
  return ([
    ["reattention (layers 0-1 full)", { "0-1": "full", default: "reattention" }],
    ["reattention (layers 0-1 streaming)", { "0-1": "streaming", default: "reattention" }],
    // An ablation of which layers have to select, for docs/methods.md.
    ["reattention (layers 2-3 streaming)", { "2-3": "streaming", default: "reattention" }],
    ["reattention (layer 0 streaming)", { "0": "streaming", default: "reattention" }],
    ["reattention (layer 1 streaming)", { "1": "streaming", default: "reattention" }],
    ["reattention (layer 2 streaming)", { "2": "streaming", default: "reattention" }],
    ["reattention (layer 3 streaming)", { "3": "streaming", default: "reattention" }],
  ] as const).map(([label, method], place) => ({ label, method, trials: compact, onlyAsked: place > 1 }));
}

/** Whether the work of a token grows with the length, so that software adapters take too long beyond `4,096` tokens. */
export function growsWithLength({ method }: Contestant): boolean {
  const growing: readonly string[] = [...EVERYTHING, "quest", "snapkv", "token-select", "reattention"];
  return typeof method === "object" || growing.includes(method);
}

function inside(method: MethodName): Partial<Knobs>[] {
  if (method === "full") return [{}];
  const windows: Partial<Record<MethodName, number>> = { window: 0, "lm-infinite": 8, streaming: 8 };
  const leading = windows[method];
  return INSIDE.map((knobs, trial) => ({
    ...knobs,
    ...(leading !== undefined && windowOnly(method, leading, trial)),
    ...(INSIDE_OWN[method] && { own: INSIDE_OWN[method] }),
  }));
}

/** All of the budget in leading tokens and window; the chunk's rows count where a window slides. */
function windowOnly(method: MethodName, leading: number, trial: number): Partial<Knobs> {
  const globalSize = Math.floor(leading / (1 + trial));
  return { globalSize, window: EIGHTH - globalSize - (method === "streaming" ? 0 : 15) };
}

function spans(regime: Regime): Partial<Knobs>[] {
  return (regime === "inside" ? [8, 16, 32] : [32, 16, 64]).map((spanSize) => ({ spanSize }));
}

/** Settings for contexts of a length past the trained one. */
function beyond(method: MethodName, length: number): Partial<Knobs>[] {
  const stretch = Math.max(1, length / TRAINED);
  const own = (...sets: Record<string, unknown>[]) => sets.map((set) => ({ own: set, allowBeyondTrained: true }));
  const shared = (...sets: Partial<Knobs>[]) => sets.map((set) => ({ ...set, allowBeyondTrained: true }));
  const group = (neighbors: number) => ({
    neighbors,
    group: Math.ceil((length - neighbors) / (TRAINED - neighbors) * 1.05),
  });
  const leak = (near: number) => ({ near, leak: Math.max(1, Math.ceil((length - near) / (TRAINED - near))) });
  const settings: Record<MethodName, readonly Partial<Knobs>[]> = {
    "full": shared({}),
    "window": shared({}, { window: 448 }, { window: 128 }),
    "streaming": shared({}, { window: 480 }, { globalSize: 4, window: 256 }),
    "lm-infinite": shared({}, { window: 416 }, { globalSize: 10, window: 256 }),
    "linear": own({ factor: stretch }, { factor: 1.5 * stretch }, { factor: Math.max(1, stretch / 2) }),
    "ntk": own({}, { trained: 384 }, { trained: 256 }),
    "yarn": own({ factor: stretch }, { factor: 2 * stretch }, { factor: 4 * stretch }),
    "self-extend": own(group(128), group(64), group(256)),
    "rerope": own({}, { near: 128 }, { near: 384 }),
    "leaky-rerope": own(leak(256), leak(128), leak(384)),
    "dual-chunk": own({}, { chunk: 256 }, { chunk: 448 }),
    "infllm": own({}, { far: "compact" }, { block: 8 }),
    "quest": own({}, { page: 8 }, { page: 32 }),
    "quest-compact": own({}, { page: 8 }, { page: 32 }),
    "h2o": own({}, { heavy: 320, recent: 128 }, { heavy: 128, recent: 320 }),
    "h2o-compact": own({}, { heavy: 320, recent: 128 }, { heavy: 128, recent: 320 }),
    "snapkv": own({}, { observed: 16 }, { kernel: 1 }),
    "snapkv-compact": own({}, { observed: 16 }, { kernel: 1 }),
    "token-select": own({}, { similarity: 2 }, { tokens: 128 }),
    "long-heads": own({}, { chunk: 16 }, { chunk: 64 }),
    "reattention": shared({}, { k: 8 }, { k: 1 }),
    "reattention-window": shared({}, { k: 8 }, { k: 1 }),
    "random": shared({}, { spanSize: 8, recallClip: 28 }, { spanSize: 56, recallClip: 4 }),
    "oracle": shared({}, { window: 128 }, { globalSize: 4 }),
  };
  const chunk = EVERYTHING.includes(method) && length > LONG ? DENSE : {};
  return settings[method].map((knobs) => ({ ...chunk, ...knobs }));
}
