import type { NeedleVariant } from "../../lib/evaluation/mod.ts";
import { type Contestant, contestants, growsWithLength, type Regime, TRAINED } from "./contestants.ts";

/** One contestant at one length, asked for one kind of needle. */
export interface Job {
  /** Who. */
  readonly contestant: Contestant;
  /** The regime. */
  readonly regime: Regime;
  /** Tokens. */
  readonly length: number;
  /** What is hidden. */
  readonly variant: NeedleVariant;
  /** Contexts of the reported figure. */
  readonly haystacks: number;
  /** Needles in each of them. */
  readonly needles: number;
  /** Questions about each needle. */
  readonly questionsPerNeedle: number;
  /** Tokens of the contexts on which settings are tried: at most `MOST_TUNED`. */
  readonly tuningLength: number;
  /** Contexts on which each setting is tried; 0: the usual setting is taken. */
  readonly tuning: number;
  /** Tokens of prose whose perplexity is taken. */
  readonly judged: number;
}

/** What was asked for on the command line. */
export interface AskedPlan {
  /** The three-minute version. */
  readonly quick: boolean;
  /** Only these lengths. */
  readonly lengths?: readonly number[];
  /** Only these methods, by their labels. */
  readonly methods?: readonly string[];
  /** Contexts of each reported figure. */
  readonly haystacks?: number;
  /** Only this kind of needle. */
  readonly variants?: readonly NeedleVariant[];
}

/** Lengths beyond the trained context. */
const BEYOND = [2048, 8192, 32768, 65536];
/** The longest contexts on a software adapter of methods whose work per token grows with the length, and of the others. */
const SOFTWARE = { growing: 4096, bounded: 65536 };
/** Longer contexts take the setting that was best at this length: trying all anew there would cost most of a run. */
const MOST_TUNED = 2048;
/** What is asked by default: values that are told, and chains, which the model follows most of the time only. */
const VARIANTS: readonly NeedleVariant[] = ["plain", "chain"];

/** Contexts of a figure, needles in each, questions about each needle. */
type Counts = Pick<Job, "haystacks" | "needles" | "questionsPerNeedle">;

/**
 * At least 50 questions a figure. Where contexts are long there are fewer of them, and more questions about each: about a plain
 * needle in other words, of chains by hiding more of them, since a chain is asked for in one wording only.
 */
function counts(length: number, variant: NeedleVariant): Counts {
  const chain = variant.startsWith("chain");
  if (length <= 2048) return chain ? of(7, 8, 1) : of(13, 4, 1);
  if (length <= 8192) return chain ? of(4, 14, 1) : of(5, 4, 3);
  return chain ? of(3, 18, 1) : of(3, 4, 5);
}

function of(haystacks: number, needles: number, questionsPerNeedle: number): Counts {
  return { haystacks, needles, questionsPerNeedle };
}

/** Labels of all that can take part. */
export function labels(): string[] {
  return contestants("beyond", 2048).map(({ label }) => label);
}

/** The jobs, shortest contexts first. */
export function planJobs(asked: AskedPlan, software: boolean): Job[] {
  const lengths = asked.lengths ?? (asked.quick ? [TRAINED, 2 * TRAINED] : [TRAINED, ...BEYOND]);
  const variants = asked.variants ?? (asked.quick ? ["plain"] : VARIANTS);
  return lengths.toSorted((a, b) => a - b).flatMap((length) => {
    const regime: Regime = length <= TRAINED ? "inside" : "beyond";
    const taking = contestants(regime, length).filter((contestant) =>
      (asked.methods?.includes(contestant.label) ?? !contestant.onlyAsked) &&
      (!software || asked.methods !== undefined ||
        length <= SOFTWARE[growsWithLength(contestant) ? "growing" : "bounded"])
    );
    return variants.flatMap((variant) =>
      taking.map((contestant): Job => ({
        contestant,
        regime,
        length,
        variant,
        ...(asked.quick ? of(1, 4, 1) : counts(length, variant)),
        ...(asked.haystacks !== undefined && { haystacks: asked.haystacks }),
        tuningLength: Math.min(length, MOST_TUNED),
        tuning: asked.quick ? 0 : 2,
        judged: asked.quick ? 24 : 256,
      }))
    );
  });
}
