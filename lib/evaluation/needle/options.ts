import type { NeedleAnswer } from "../records.ts";
import type { NeedleVariant } from "./facts.ts";
import type { Haystack, Needle } from "./haystack.ts";
import type { Wording } from "./wordings.ts";

/** A way of asking. */
export interface AskStyle {
  /** How questions are worded; where there are several wordings, they come in turn. */
  readonly wording: Wording;
  /** Whether prompts end with the answer's opening words. */
  readonly opening: boolean;
}

/** What is asked of which method. */
export interface NeedleTask {
  /** Name of the method, for the record. */
  method: string;
  /** Tokens of a context together with one question and its answer. */
  length: number;
  /** Contexts to read. */
  haystacks: number;
  /** Needles in each context, all of them asked for. Default 4. */
  needles?: number;
  /** Questions about each needle; a wording that has several sentences takes them in turn. Default 1. */
  questionsPerNeedle?: number;
  /** What is hidden. Default "plain". */
  variant?: NeedleVariant;
  /** Ways of asking, each of which gives a row of its own. Default: one, plain, with the answer's opening words. */
  asks?: readonly AskStyle[];
  /** The same seed, length, needles and variant give the same haystacks, whatever the method. */
  seed: number;
  /** Whether the knobs let the scope pass the trained context, for the record. Default false. */
  allowBeyondTrained?: boolean;
}

/** How far a task has come. */
export interface NeedleProgress {
  /** Number of the haystack, from 0. */
  haystack: number;
  /** What is going on. */
  phase: "reading" | "asking";
  /** Tokens done, of all haystacks and questions. */
  done: number;
  /** Tokens in all. */
  total: number;
}

/** A question just answered, while its session is still there. */
export interface NeedleAnswered<Session> {
  /** Number of the haystack, from 0. */
  haystack: number;
  /** Number of the way of asking, from 0. */
  way: number;
  /** Number of the question about this haystack in this way, from 0. */
  question: number;
  /** The context. */
  context: Haystack;
  /** The needle asked for. */
  needle: Needle;
  /** The question. */
  prompt: string;
  /** The answer and whether it is right. */
  answer: NeedleAnswer;
  /** The fork that answered; disposed after the call. */
  session: Session;
}

/** How a task is watched and stopped. */
export interface NeedleRunOptions<Session> {
  /** Called as tokens are read and questions answered. */
  onProgress?: (progress: NeedleProgress) => void;
  /** Called after each answer, and awaited; its time counts as none of the task's. */
  onAnswer?: (answered: NeedleAnswered<Session>) => void | Promise<void>;
  /** Only these haystacks of the task, from 0, such as those that an earlier run didn't come to. Default: all. */
  only?: readonly number[];
  /** Ends the task with the signal's reason. */
  signal?: AbortSignal;
  /** Asked before each haystack but the first: true leaves it and the rest out, and the rows count those that were read. */
  enough?: () => boolean;
  /** The clock in milliseconds. Default `performance.now`. */
  now?: () => number;
}
