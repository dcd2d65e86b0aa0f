import type { Question } from "../../lib/evaluation/mod.ts";
import type { EvaluateArguments } from "../evaluate/arguments.ts";
import type { PlannedTask, QuestionSource, TaskSize } from "../evaluate/questions.ts";

/** Prompts of one size. */
export interface PromptGroup {
  readonly prompts: number;
  /** Tokens of a prompt before it is cut, about. */
  readonly tokens: number;
  /** Most tokens to write after each. */
  readonly maxTokens: number;
}

/** What a table's tasks ask. */
export interface Workload {
  readonly tasks: number;
  readonly questions: number;
  readonly groups: readonly PromptGroup[];
}

/** Prompts of a task that are cut into tokens; the others are judged by their length in characters. */
const COUNTED = 3;

/** How much there is to do. Questions of a release are loaded, those that are made here are not made yet. */
export async function workloadOf(
  planned: readonly PlannedTask[],
  { limit, maxNew }: EvaluateArguments,
  { tokenizer }: Pick<QuestionSource, "tokenizer">,
): Promise<Workload> {
  const groups: PromptGroup[] = [];
  let questions = 0;
  for (const { length, size, load } of planned) {
    if (size && length !== undefined) {
      const asked = Math.min(limit ?? Infinity, size.questions);
      questions += asked;
      groups.push(groupOfMade(size, length, asked));
      continue;
    }
    const { questions: all } = await load();
    const asked = all.slice(0, limit);
    questions += asked.length;
    groups.push(...groupsOfLoaded(asked, maxNew, tokenizer));
  }
  return { tasks: new Set(planned.map(({ task }) => task)).size, questions, groups };
}

function groupOfMade({ questions, prompts, maxTokens }: TaskSize, tokens: number, asked: number): PromptGroup {
  return { prompts: Math.ceil(prompts * asked / questions), tokens, maxTokens };
}

function groupsOfLoaded(
  questions: readonly Question[],
  maxNew: number | undefined,
  tokenizer: QuestionSource["tokenizer"],
): PromptGroup[] {
  const step = Math.max(1, Math.floor(questions.length / COUNTED));
  const sample = questions.filter((_, index) => index % step === 0).slice(0, COUNTED);
  const characters = sample.reduce((sum, { prompt }) => sum + prompt.length, 0);
  const tokens = sample.reduce((sum, { prompt }) => sum + tokenizer.encode(prompt).length, 0);
  return questions.map(({ prompt, maxTokens, second }) => ({
    prompts: second === undefined ? 1 : 2,
    tokens: Math.ceil(prompt.length * tokens / Math.max(1, characters)),
    maxTokens: maxNew ?? maxTokens,
  }));
}
