import type { Schema } from "../../attention/mod.ts";
import type { TextTokenizer } from "../needle/prose.ts";

/** A question about a context, and what is right. */
export interface TaskQuestion {
  /** What the model continues. */
  readonly prompt: string;
  /** The right answer. */
  readonly expected: string;
  /** Most tokens to write. */
  readonly maxTokens: number;
  /**
   * Whether the answer's tokens are told while prompt and answer are read as text, as likelihoods of given texts are: no step
   * is one of generation, and no question is marked. Default false: the answer is written.
   */
  readonly read?: boolean;
  /** What is asked for, in a word. */
  readonly name: string;
  /** Where it stands in the context, from 0 to 1; undefined where it stands nowhere. */
  readonly depth?: number;
}

/** What a model reads, and what it is asked. */
export interface TaskItem {
  /** The context. */
  readonly tokens: readonly number[];
  /** The questions; each is answered by a fork of one session. */
  readonly questions: readonly TaskQuestion[];
}

/** What an item is made from. */
export interface ItemOptions<Parameters> {
  /** Whose tokens are counted. */
  readonly tokenizer: TextTokenizer;
  /** Tokens of the context together with one question and its answer. */
  readonly length: number;
  /** Names the item among all of its kind: the same seed gives the same item. */
  readonly seed: number;
  /** The task's options. */
  readonly parameters: Parameters;
}

/** A task of a sweep: makes one item for each seed, and tells how good an answer is. */
export interface SweepTask<Parameters> {
  /** Its name in specs and records. */
  readonly name: string;
  /** What an item's score is called. */
  readonly metric: string;
  /** Share of right answers by guessing among what the context holds; undefined where there is none. */
  chance?(parameters: Parameters): number | undefined;
  /** Checks its options and completes them. */
  readonly schema: Schema<Parameters>;
  /** Makes an item. */
  makeItem(options: ItemOptions<Parameters>): Promise<TaskItem>;
  /** How good an answer is, from 0 to 1. */
  score(question: TaskQuestion, answer: string): number;
}
