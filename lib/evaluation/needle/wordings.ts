/** Kinds of values that needles have; all of them are known from the embedded model's training. */
export const kinds: readonly string[] = [
  ...["secret code", "door code", "phone number", "lucky number", "bank code", "safe code", "house number"],
  ...["locker code", "ticket number", "gate code", "room number", "badge number"],
];

/** What is known of a needle: whose value, of which kind. */
export interface Fact {
  /** What the value is, such as "secret code". */
  readonly kind: string;
  /** Whose it is. */
  readonly name: string;
  /** The value: two numbers of three digits. */
  readonly value: string;
}

/**
 * How a question is worded: "plain" repeats the needle's words in their order, "reworded" doesn't, "varied" takes both in
 * turn, and "unseen" is worded like no question of the embedded model's training.
 */
export type Wording = "plain" | "reworded" | "varied" | "unseen";

/**
 * The sentence that hides in the haystack.
 *
 * @example
 * ```ts
 * import { needleSentence } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const sentence = needleSentence({ kind: "secret code", name: "Zena", value: "482 913" });
 * assertEquals(sentence, "The secret code of Zena is 482 913.");
 * ```
 */
export function needleSentence({ kind, name, value }: Fact): string {
  return `The ${kind} of ${name} is ${value}.`;
}

type AskedFact = Pick<Fact, "kind" | "name">;

type Question = (fact: AskedFact) => string;
const plain: readonly Question[] = [({ kind, name }) => `What is the ${kind} of ${name}?`];
const reworded: readonly Question[] = [
  ({ kind, name }) => `Which ${kind} does ${name} have?`,
  ({ kind, name }) => `What is ${name}'s ${kind}?`,
  ({ kind, name }) => `Find ${name} and say the ${kind}.`,
  ({ kind, name }) => `I forgot the ${kind} that ${name} was given.`,
];
const unseen: readonly Question[] = [
  ({ kind, name }) => `Does anyone recall ${name} and the ${kind} that goes with it?`,
  ({ kind, name }) => `Somebody asked about ${name} again, so what ${kind} should we write down?`,
];
const questions: Record<Wording, readonly Question[]> = { plain, reworded, varied: [...plain, ...reworded], unseen };

/** The question about a fact; a wording that has several takes them in turn. */
export function questionSentence(fact: AskedFact, wording: Wording, turn: number): string {
  const worded = questions[wording];
  return worded[turn % worded.length](fact);
}

/** The answer up to the value. */
export function openingWords({ kind, name }: AskedFact): string {
  return `The ${kind} of ${name} is`;
}
