import { type Knobs, type MethodName, resolveKnobs } from "../../lib/attention/mod.ts";

/** Longest chunk that a context is read in unless told otherwise: longer ones take memory and save little time. */
const LONGEST_CHUNK = 512;

/**
 * What knobs a haystack is read with, where they are other ones than those that questions are asked with. Without selection
 * in the context (`reattention-window`) the whole trained context is free for leading tokens and window, and the chunk is as
 * long as leaves every token as many tokens before it as the window of the questions holds.
 *
 * @param asking complete knobs of the questions
 * @returns undefined where the method reads with the same knobs
 */
export function readingKnobs(
  method: MethodName,
  asking: Readonly<Knobs>,
  trainedContext: number,
  given?: Partial<Knobs>,
): Knobs | undefined {
  if (method !== "reattention-window") return given && resolveKnobs(given, asking);
  const window = Math.max(asking.window, trainedContext - asking.globalSize);
  const chunkSize = Math.max(asking.chunkSize, Math.min(LONGEST_CHUNK, window - asking.window));
  return resolveKnobs({ window, chunkSize, k: 0, recallClip: 0, ...given }, asking);
}

/**
 * Needles of a context: one for each question where they fit; else as many as let each be asked equally often, in different
 * wordings.
 */
export function needlesFor(length: number, questions: number): number {
  const room = Math.max(1, Math.floor(length / TOKENS_A_NEEDLE));
  return Array.from({ length: questions }, (_, index) => questions - index)
    .find((needles) => questions % needles === 0 && needles <= room) ?? 1;
}

/** A needle takes about 12 tokens; the rest is prose around it. */
const TOKENS_A_NEEDLE = 56;
