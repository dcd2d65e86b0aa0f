import type { Published } from "../evaluate/compare.ts";
import type { TableName } from "./settings.ts";

/** Published scores of one source for a table, and which models they are of. */
interface Source extends Published {
  readonly table: TableName;
  readonly models: readonly string[];
}

const RULER = "RULER's README (commit c3f5e3b), 13 tasks, 500 samples each";
const FORK =
  "comment in OpenMOSS/ReAttention (commit 126f9e2), opencompass/configs/eval_xrliu_re_attention_ruler.py, mean of 13 tasks, 100 samples each";
const LEVAL = "L-Eval's README (commit cd34b05), official prompts and scorers";
const REVIEW = "second-hand, from a public review of the paper (arXiv 2407.15176), not checked against it";

const full = (...scores: number[]) => {
  const lengths = [4096, 8192, 16384, 32768];
  return [{ name: "full", scores: Object.fromEntries(scores.map((score, index) => [lengths[index], score])) }];
};
const exam = (...scores: number[]) => {
  const tasks = ["tpo", "quality", "coursera", "sci_fi", "gsm100", "codeU"];
  return [{ name: "full", scores: Object.fromEntries(scores.map((score, index) => [tasks[index], score])) }];
};

/**
 * What this toolkit knows of published scores. The tables of the paper itself are in no file of its release, so that they are
 * not here: `--compare` takes them.
 */
const sources: readonly Source[] = [
  { table: "ruler", models: ["Qwen/Qwen2-7B-Instruct"], source: FORK, rows: full(93.66, 88.38, 84.27, 81.36) },
  {
    table: "ruler",
    models: ["meta-llama/Meta-Llama-3-8B-Instruct"],
    source: FORK,
    rows: full(93.48, 89.95, 0.14, 0),
  },
  { table: "ruler", models: ["internlm/internlm2_5-7b-chat-1m"], source: FORK, rows: full(91.2, 89.07, 87.61, 84.59) },
  {
    table: "ruler",
    models: ["meta-llama/Llama-3.1-8B-Instruct", "meta-llama/Meta-Llama-3.1-8B-Instruct"],
    source: RULER,
    rows: full(95.5, 93.8, 91.6, 87.4),
  },
  { table: "ruler", models: ["Qwen/Qwen2-72B-Instruct"], source: RULER, rows: full(96.9, 96.1, 94.9, 94.1) },
  { table: "ruler", models: ["mistralai/Mistral-7B-Instruct-v0.2"], source: RULER, rows: full(93.6, 91.2, 87.2, 75.4) },
  {
    table: "leval",
    models: ["meta-llama/Meta-Llama-3-8B-Instruct"],
    source: LEVAL,
    rows: exam(82.89, 64.85, 53.77, 69.53, 79, 2.22),
  },
  {
    table: "leval",
    models: ["meta-llama/Meta-Llama-3-70B-Instruct"],
    source: LEVAL,
    rows: exam(84.75, 80.19, 75.87, 72.65, 90, 6.67),
  },
  {
    table: "infinitebench",
    models: ["meta-llama/Meta-Llama-3-8B", "meta-llama/Meta-Llama-3-8B-Instruct"],
    source: `${REVIEW}; which of the two models and which length is not said there`,
    rows: [
      { name: "InfLLM", scores: { "mean of En.MC, En.QA, En.Sum": 20.28 } },
      { name: "ReAttention", scores: { "mean of En.MC, En.QA, En.Sum": 24.38 } },
    ],
  },
  {
    table: "infinitebench",
    models: ["meta-llama/Llama-3.1-8B", "meta-llama/Llama-3.1-8B-Instruct"],
    source: `${REVIEW}; which of the two models is not said there`,
    rows: [
      { name: "full 128k", scores: { longbook_qa_eng: 25.43 } },
      { name: "ReAttention 128k", scores: { longbook_qa_eng: 12.63 } },
    ],
  },
];

/** Published scores of a model for a table, with their sources; none where this toolkit knows of none. */
export function publishedFor(table: TableName, model: string): readonly Published[] {
  return sources.filter((source) => source.table === table && source.models.includes(model));
}
