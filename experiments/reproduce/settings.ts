import { type Knobs, type MethodName, presets } from "../../lib/attention/mod.ts";
import type { EvaluateArguments } from "../evaluate/arguments.ts";

/** What can be reproduced. */
export const tableNames = ["longbench", "infinitebench", "leval", "niah", "ruler"] as const;

/** One of them. */
export type TableName = typeof tableNames[number];

/** A column of a table: one method with one limit of prompts. */
export interface PaperColumn {
  /** What it is called, and in small letters its folder. */
  readonly name: string;
  readonly method: MethodName;
  readonly knobs: Partial<Knobs>;
  /** Most tokens of a prompt; undefined where questions are made at a length. */
  readonly maxLength?: number;
}

/** How a table is run for a model. */
export interface PaperSettings {
  /** Where the settings stand; for a model that was not run there, what was taken instead. */
  readonly source: string;
  readonly columns: readonly PaperColumn[];
  /** What else the runs were made with. */
  readonly asked: Partial<EvaluateArguments>;
}

/** What settings depend on. */
export interface ModelAtHand {
  /** As the user named it. */
  readonly name: string;
  readonly trainedContext: number;
}

const RELEASE = "OpenMOSS/ReAttention, commit a62514f";
const FORK = "OpenMOSS/ReAttention, commit 126f9e2, opencompass/configs";

/** ReAttention's knobs in the release: for models of 8k, and for those trained longer. */
const SHORT = { globalSize: 32, window: 4096, k: 4, spanSize: 32, recallClip: 127, chunkSize: 512 };
const LONG = { ...SHORT, window: 8192, recallClip: 256 };
/** Of models trained at fewer tokens, such as the embedded one. */
const SMALL = {
  ...SHORT,
  window: presets.demo.window,
  recallClip: presets.demo.recallClip,
  chunkSize: presets.demo.chunkSize,
};

/** Models that the release's scripts run, by table. */
const LONG_MODELS = [
  ...["meta-llama/Meta-Llama-3-8B", "meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.2-3B", "mistralai/Mistral-7B-v0.3"],
  ...["internlm/internlm2_5-7b", "Qwen/Qwen2.5-7B", "Qwen/Qwen2.5-1.5B"],
];
const MODELS: Readonly<Record<TableName, readonly string[]>> = {
  longbench: LONG_MODELS,
  leval: LONG_MODELS,
  infinitebench: [
    ...["meta-llama/Meta-Llama-3-8B-Instruct", "meta-llama/Llama-3.1-8B-Instruct"],
    "meta-llama/Llama-3.2-3B-Instruct",
  ],
  niah: LONG_MODELS,
  ruler: ["Qwen/Qwen2-7B-Instruct", "meta-llama/Meta-Llama-3-8B-Instruct", "internlm/internlm2_5-7b-chat-1m"],
};
const SCRIPTS: Readonly<Record<TableName, string>> = {
  longbench: `${RELEASE}, eval/eval_reattn_long.py`,
  leval: `${RELEASE}, eval/eval_reattn_long.py`,
  infinitebench: `${RELEASE}, eval/eval_reattn_infinite.py`,
  niah: `${RELEASE}, eval/eval_reattn_niah.py and needlebench/needlebench/needlebench_single.py`,
  ruler: `${FORK}/eval_xrliu_re_attention_ruler.py, which runs full attention only; ReAttention as in the other tables`,
};

/** L-Eval's tasks in the release's script. */
const LEVAL_TASKS = [
  ...["tpo", "gsm100", "quality", "coursera", "topic_retrieval_longchat", "scientific_qa", "multidoc_qa"],
  ...["paper_assistant", "natural_question", "financial_qa", "legal_contract_qa", "narrative_qa"],
];
const NEEDLE_LENGTHS = [32, ...Array.from({ length: 10 }, (_, index) => 100 * (index + 1))].map((k) => 1000 * k);
const NEEDLE_DEPTHS = [0.01, ...Array.from({ length: 10 }, (_, index) => (index + 1) / 10)];

const ASKED: Readonly<Record<TableName, Partial<EvaluateArguments>>> = {
  longbench: { rules: "opencompass", chat: false },
  leval: { rules: "opencompass", chat: false, tasks: LEVAL_TASKS },
  infinitebench: {
    rules: "opencompass",
    chat: false,
    tasks: ["longbook_choice_eng", "longbook_qa_eng", "longbook_sum_eng"],
  },
  niah: {
    protocol: "needlebench",
    lengths: NEEDLE_LENGTHS,
    depths: NEEDLE_DEPTHS,
    samples: 10,
    reserve: 600,
    maxNew: 32,
    chat: false,
  },
  ruler: { lengths: [4096, 8192, 16384, 32768], samples: 100 },
};

/** ReAttention's knobs for a model: by what it was trained for. */
function knobsFor(trained: number): Partial<Knobs> {
  if (trained < 8192) return SMALL;
  return trained < 16_416 ? SHORT : LONG;
}

/** How the release writes a limit: 31500 of "32k". */
function limitOf(thousands: number): number {
  return 1000 * thousands - 500;
}

/** The prompts that full attention gets: 32k, or what the model was trained for. */
function fullLimit(trained: number): number {
  const fitting = [32, 16, 8, 4].find((thousands) => 1024 * thousands <= trained);
  return fitting === undefined ? Math.floor(trained / 2) : limitOf(fitting);
}

function shown(limit: number): string {
  return (limit + 500) % 1000 === 0 ? `${(limit + 500) / 1000}k` : String(limit);
}

function columnsOf(table: TableName, trained: number): PaperColumn[] {
  const knobs = knobsFor(trained);
  const at = (name: string, method: MethodName, maxLength: number, own: Partial<Knobs> = knobs): PaperColumn => {
    return { name: `${name} ${shown(maxLength)}`, method, knobs: own, maxLength };
  };
  const [streaming, reattention] = [{ ...knobs, k: 0 }, knobs];
  switch (table) {
    case "longbench":
    case "leval": {
      const most = limitOf(32);
      const stretched = at("NTK", "ntk", most, { allowBeyondTrained: true, own: { factor: 4 } });
      return [
        at("full", "full", fullLimit(trained), {}),
        ...(trained < 16_416 ? [stretched] : []),
        at("streaming", "streaming", most, streaming),
        at("ReAttention", "reattention", most, reattention),
      ];
    }
    case "infinitebench":
      return [32, 64, 128].flatMap((thousands) => [
        at("streaming", "streaming", limitOf(thousands), streaming),
        at("ReAttention", "reattention", limitOf(thousands), reattention),
      ]);
    case "niah":
      return [{ name: "ReAttention", method: "reattention", knobs: reattention }];
    case "ruler":
      return [
        { name: "full", method: "full", knobs: {} },
        { name: "ReAttention", method: "reattention", knobs: reattention },
      ];
  }
}

/** The paper's settings of a table for a model: those of the release's own scripts; elsewhere those of models trained alike. */
export function paperSettings(table: TableName, { name, trainedContext }: ModelAtHand): PaperSettings {
  const known = MODELS[table].includes(name);
  const instead = `${SCRIPTS[table]}; it does not run ${name}: settings by its ${
    trainedContext.toLocaleString("en-US")
  } trained tokens`;
  return {
    source: known ? SCRIPTS[table] : instead,
    columns: columnsOf(table, trainedContext),
    asked: ASKED[table],
  };
}
