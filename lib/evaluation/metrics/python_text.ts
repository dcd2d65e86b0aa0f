/**
 * What Python's `str`, `int`, `float` and `round` do, where JavaScript differs: the benchmarks' official scorers are Python,
 * and their scores hang on it.
 *
 * @module
 */

/** What `str.isspace` and the pattern `\s` accept: unlike JavaScript, U+001C to U+001F and U+0085 too, but not U+FEFF. */
const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACES = new RegExp(`[${SPACE}]+`, "g");
const OUTER_SPACE = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");
/** Digits by `str.isdigit` that are no decimals: superscripts, circled digits and their kin. */
const OTHER_DIGITS =
  "\\xb2\\xb3\\xb9\\u1369-\\u1371\\u19da\\u2070\\u2074-\\u2079\\u2080-\\u2089\\u2460-\\u2468\\u2474-\\u247c" +
  "\\u2488-\\u2490\\u24ea\\u24f5-\\u24fd\\u24ff\\u2776-\\u277e\\u2780-\\u2788\\u278a-\\u2792\\u{10a40}-\\u{10a43}" +
  "\\u{10e60}-\\u{10e68}\\u{11052}-\\u{1105a}\\u{1f100}-\\u{1f10a}";
const DIGIT = new RegExp(`^[\\p{Nd}${OTHER_DIGITS}]$`, "u");

/** The inside of a character class that matches what Python's `\w` does, for patterns with the `u` flag. */
export const WORD = "\\p{L}\\p{N}_";

/** The inside of a character class that matches what Python's `\s` does. */
export const WHITE_SPACE: string = SPACE;

/** `string.punctuation`: ASCII only. */
export const ASCII_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/** `text.split()`: the words between white space. */
export function words(text: string): string[] {
  return text.split(SPACES).filter((word) => word !== "");
}

/** `text.strip()`. */
export function strip(text: string): string {
  return text.replace(OUTER_SPACE, "");
}

/** Every run of white space replaced. */
export function replaceSpaces(text: string, by: string): string {
  return text.replace(SPACES, by);
}

/** `character.isdigit()`. */
export function isDigit(character: string): boolean {
  return DIGIT.test(character);
}

/** Decimals of any script as ASCII digits. */
function asciiDigits(text: string): string {
  return text.replace(/\p{Nd}/gu, (digit) => String(decimalValue(digit.codePointAt(0)!)));
}

/** Decimals stand in runs of ten, in order; only a run's zero has no decimal before it, or follows a whole run. */
function decimalValue(code: number): number {
  // Mathematical digits: five runs without a gap.
  if (code >= 0x1d7ce && code <= 0x1d7ff) return (code - 0x1d7ce) % 10;
  let first = code;
  while (code - first < 9 && /\p{Nd}/u.test(String.fromCodePoint(first - 1))) first--;
  return code - first;
}

/** `int(text)`, or undefined where it raises. */
export function parseInteger(text: string): bigint | undefined {
  const plain = asciiDigits(strip(text));
  if (!/^[+-]?\d+(_\d+)*$/.test(plain)) return undefined;
  const [, sign, digits] = /^([+-]?)(.*)$/.exec(plain.replaceAll("_", ""))!;
  return sign === "-" ? -BigInt(digits) : BigInt(digits);
}

const FLOAT = /^[+-]?(\d+(_\d+)*\.?(\d+(_\d+)*)?|\.\d+(_\d+)*)(e[+-]?\d+(_\d+)*)?$/i;

/** `float(text)`, or undefined where it raises. */
export function parseFloatAsPython(text: string): number | undefined {
  const plain = asciiDigits(strip(text));
  if (FLOAT.test(plain)) return Number(plain.replaceAll("_", ""));
  if (/^[+-]?inf(inity)?$/i.test(plain)) return plain.startsWith("-") ? -Infinity : Infinity;
  return /^[+-]?nan$/i.test(plain) ? NaN : undefined;
}

/** `round(value, digits)`: to the nearest decimal, exact halves to the even one. */
export function roundAsPython(value: number, digits = 0): number {
  if (!Number.isFinite(value)) return value;
  const up = Number(value.toFixed(digits));
  // `toFixed` knows the exact value: 40 more digits tell an exact half from its neighbours.
  const isHalf = /50{39}$/.test(Math.abs(value).toFixed(digits + 40));
  const steps = Math.round(Math.abs(up) * 10 ** digits);
  if (!isHalf || steps % 2 === 0) return up;
  return Math.sign(value) * (steps - 1) / 10 ** digits;
}
