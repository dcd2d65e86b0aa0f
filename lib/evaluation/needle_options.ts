import type { Haystack, Needle } from "./needle_grammar.ts";
import type { NeedleAnswer } from "./records.ts";

/** What is asked of which method. */
export interface NeedleTask {
  /** Name of the method, for the record. */
  method: string;
  /** Tokens of a context together with one question and its answer. */
  length: number;
  /** Contexts to read. */
  haystacks: number;
  /** Questions about each, the needles' in order, spread over the depth; at most one per needle. */
  questionsPerHaystack: number;
  /** Needles in each context. Default 8. */
  needles?: number;
  /** The same seed, length and number of needles give the same haystacks, whatever the method. */
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
  /** Number of the question about this haystack, from 0. */
  question: number;
  /** The context. */
  context: Haystack;
  /** The needle asked for. */
  needle: Needle;
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
  /** Ends the task with the signal's reason. */
  signal?: AbortSignal;
  /** The clock in milliseconds. Default `performance.now`. */
  now?: () => number;
}
