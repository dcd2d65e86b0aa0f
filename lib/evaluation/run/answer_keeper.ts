import type { AnswerRecord } from "./run_questions.ts";

/** A question that got no answer, and why. */
export interface UnansweredQuestion {
  /** Its name in the task. */
  readonly id: string;
  /** What happened. */
  readonly message: string;
}

/** The answers of one prediction file. */
export interface KeptAnswers extends AnswerRecord {
  /** Where its predictions go. */
  readonly path: string;
  /** How many of its questions are answered, and how many can't be. */
  counts(): { readonly done: number; readonly failed: number };
  /** Its questions that got no answer. */
  failures(): UnansweredQuestion[];
  /** Writes the answers as a prediction file of the official layout, where the keeper has such files. */
  writePredictions(): Promise<void>;
}

/** Where the answers of a run are kept: a folder's store, or one task's part of it on a shared disk. */
export interface AnswerKeeper extends Disposable {
  /** The answers of a prediction file, with those of its questions that are open. */
  set(file: string, questions: readonly { readonly id: string }[]): Promise<KeptAnswers>;
  /** Lets questions that failed be asked again; how many there are. */
  retryFailed(): number;
  /** Questions of prediction files that other processes are at. */
  heldByOthers(files: readonly string[]): number;
  /** Says that this process is still there. */
  beat(): void;
}
