import type { Random } from "../random.ts";
import { heldOutFamilyNames, heldOutNames, heldOutNumbers } from "./held_out.ts";
import { type Fact, kinds, needleSentence } from "./wordings.ts";

/**
 * What is hidden. "plain": one kind of value, distinct names. "look-alike": beside each needle stand four distractors, two
 * of the same name and another kind, two of the same kind and half the name; "look-alike-apart": the same, but scattered.
 * "chain": `Let A = 482 913.` and elsewhere `Let B = A.`; asked for B, the answer writes each step down.
 * "chain-direct": the same, answered at once; "chain-direct-forward": every number's line before every link, as in a
 * program, so that a link could be resolved where it is read.
 */
export type NeedleVariant =
  | "plain"
  | "look-alike"
  | "look-alike-apart"
  | "chain"
  | "chain-direct"
  | "chain-direct-forward";

/** All variants. */
export const needleVariants: readonly NeedleVariant[] = [
  "plain",
  "look-alike",
  "look-alike-apart",
  "chain",
  "chain-direct",
  "chain-direct-forward",
];

/** A sentence to hide, and which needle it is or belongs to. */
export interface Sentence {
  /** Its text. */
  readonly text: string;
  /** The needle whose value it holds; undefined for links and distractors. */
  readonly needle?: number;
}

/** A needle before it has a place. */
export interface HiddenFact extends Fact {
  /** For chains: the name that holds the value. */
  readonly holder?: string;
}

/** What a haystack hides: facts to ask for, and groups of sentences that stand together. */
export interface Hidden {
  /** The needles. */
  readonly facts: readonly HiddenFact[];
  /** Each group has one place in the haystack. */
  readonly groups: readonly (readonly Sentence[])[];
}

const DISTRACTORS = 4;

/** Most needles that a variant has names and numbers for. */
export function mostNeedles(variant: NeedleVariant): number {
  const numbers = Math.floor(heldOutNumbers.length / 2);
  if (variant === "plain") return numbers;
  if (variant.startsWith("chain")) return Math.min(numbers, Math.floor(heldOutNames.length / 2));
  return Math.floor(numbers / (1 + DISTRACTORS));
}

/** Draws names and values that the embedded model's training never saw, and words the sentences. */
export function drawFacts(variant: NeedleVariant, count: number, random: Random): Hidden {
  const names = drawn(heldOutNames, random);
  const numbers = drawn(heldOutNumbers, random);
  const value = () => `${numbers()} ${numbers()}`;
  if (variant.startsWith("chain")) return drawChains(count, names, value, random, variant === "chain-direct-forward");
  const kind = kinds[0];
  if (variant === "plain") {
    const facts = Array.from({ length: count }, () => ({ kind, name: names(), value: value() }));
    return { facts, groups: facts.map((fact, needle) => [{ text: needleSentence(fact), needle }]) };
  }
  const families = drawn(heldOutFamilyNames, random);
  const alike = Array.from({ length: count }, (_, needle) => {
    const [given, family] = [names(), families()];
    const fact = { kind, name: `${given} ${family}`, value: value() };
    const others = [
      ...random.distinct(2, kinds.length - 1).map((index) => ({ ...fact, kind: kinds[1 + index], value: value() })),
      { ...fact, name: `${given} ${families()}`, value: value() },
      { ...fact, name: `${names()} ${family}`, value: value() },
    ];
    const sentences = [
      { text: needleSentence(fact), needle },
      ...others.map((other) => ({ text: needleSentence(other) })),
    ];
    return { fact, sentences: shuffled(sentences, random) };
  });
  const facts = alike.map(({ fact }) => fact);
  if (variant === "look-alike") return { facts, groups: alike.map(({ sentences }) => sentences) };
  return { facts, groups: shuffled(alike.flatMap(({ sentences }) => sentences.map((sentence) => [sentence])), random) };
}

function drawChains(
  count: number,
  names: () => string,
  value: () => string,
  random: Random,
  forward: boolean,
): Hidden {
  const facts = Array.from({ length: count }, () => ({ kind: "", name: names(), holder: names(), value: value() }));
  const numbers: Sentence[][] = facts.map((
    { holder, value },
    needle,
  ) => [{ text: `Let ${holder} = ${value}.`, needle }]);
  const links: Sentence[][] = facts.map(({ name, holder }) => [{ text: `Let ${name} = ${holder}.` }]);
  if (forward) return { facts, groups: [...shuffled(numbers, random), ...shuffled(links, random)] };
  const sentences = facts.flatMap((_, needle) => [numbers[needle], links[needle]]);
  return { facts, groups: shuffled(sentences, random) };
}

/** Gives one after another, in an order drawn at random. */
function drawn(list: readonly string[], random: Random): () => string {
  const order = random.distinct(list.length, list.length);
  let next = 0;
  return () => list[order[next++]];
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  return random.distinct(list.length, list.length).map((index) => list[index]);
}
