import { ASCII_PUNCTUATION, replaceSpaces, WORD, words } from "./python_text.ts";

const ARTICLES = new RegExp(`(?<![${WORD}])(?:a|an|the)(?![${WORD}])`, "gu");
/** The marks that LongBench's scorer deletes from Chinese text, by code point: full-width forms, brackets, quotes, dashes. */
const CHINESE_PUNCTUATION = "\\uff01\\uff1f\\uff61\\u3002\\uff02-\\uff0a\\uff0b-\\uff0d\\uff0f\\uff1a-\\uff1e\\uff20" +
  "\\uff3b-\\uff40\\uff5b-\\uff60\\uff62-\\uff64\\u3001\\u3003\\u300b-\\u3011\\u3014-\\u301f\\u3030\\u303e\\u303f" +
  "\\u2013\\u2014\\u2018\\u2019\\u201b-\\u201f\\u2026\\u2027\\ufe4f";
const ASCII = `[${ASCII_PUNCTUATION.replace(/[\]\\^-]/g, "\\$&")}]`;
const ASCII_MARKS = new RegExp(ASCII, "g");
const CHINESE_MARKS = new RegExp(`${ASCII}|[${CHINESE_PUNCTUATION}]`, "g");

/** ASCII punctuation deleted. */
function withoutPunctuation(text: string): string {
  return text.replace(ASCII_MARKS, "");
}

/** ASCII punctuation and whole words a, an, the deleted, white space collapsed; the case stays. */
export function normalizeCased(text: string): string {
  return words(withoutPunctuation(text).replace(ARTICLES, " ")).join(" ");
}

/**
 * How SQuAD, and LongBench, L-Eval and InfiniteBench after it, make English answers comparable: lower case, no ASCII
 * punctuation, no articles, single blanks.
 *
 * @example
 * ```ts
 * import { normalizeEnglish } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(normalizeEnglish(" The  Ostrava-mill, a ledger!"), "ostravamill ledger");
 * ```
 */
export function normalizeEnglish(text: string): string {
  return normalizeCased(text.toLowerCase());
}

/**
 * The same for Chinese: lower case, no ASCII or Chinese punctuation, no white space (LongBench).
 *
 * @example
 * ```ts
 * import { normalizeChinese } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(normalizeChinese("A 红船。"), "a红船");
 * ```
 */
export function normalizeChinese(text: string): string {
  return replaceSpaces(text.toLowerCase().replace(CHINESE_MARKS, ""), "");
}
