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
  /** Contexts on which each setting is tried; 0: the usual setting is taken. */
  readonly tuning: number;
}

/** What was asked for on the command line. */
export interface AskedPlan {
  /** The three-minute version. */
  readonly quick: boolean;
  /** Only these lengths. */
  readonly lengths?: readonly number[];
  /** Only these methods, by their labels. */
  readonly methods?: readonly string[];
  /** Contexts of each reported figure, 4 questions each. */
  readonly haystacks?: number;
  /** Only this kind of needle. */
  readonly variants?: readonly NeedleVariant[];
}

/** Lengths beyond the trained context. */
const BEYOND = [2048, 8192, 32768, 65536];
/** The longest contexts on a software adapter of methods whose work per token grows with the length, and of the others. */
const SOFTWARE = { growing: 4096, bounded: 65536 };
/** 13 contexts of 4 needles: 52 questions. */
const HAYSTACKS = 13;

/** Labels of all that can take part. */
export function labels(): string[] {
  return contestants("beyond", 2048).map(({ label }) => label);
}

/** The jobs, shortest contexts first. */
export function planJobs(asked: AskedPlan, software: boolean): Job[] {
  const lengths = asked.lengths ?? (asked.quick ? [TRAINED, 2048] : [TRAINED, ...BEYOND]);
  const variants = asked.variants ?? (asked.quick ? ["plain"] : ["plain", "look-alike"]);
  return lengths.toSorted((a, b) => a - b).flatMap((length) => {
    const regime: Regime = length <= TRAINED ? "inside" : "beyond";
    const taking = contestants(regime, length).filter((contestant) =>
      (asked.methods?.includes(contestant.label) ?? true) &&
      (!software || asked.methods !== undefined ||
        length <= SOFTWARE[growsWithLength(contestant) ? "growing" : "bounded"])
    );
    return variants.flatMap((variant) =>
      taking.map((contestant): Job => ({
        contestant,
        regime,
        length,
        variant,
        haystacks: asked.haystacks ?? (asked.quick ? 1 : HAYSTACKS),
        tuning: asked.quick ? 0 : 2,
      }))
    );
  });
}
