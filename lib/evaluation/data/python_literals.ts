/** A value that a Python file writes out: text, number, truth, nothing, list or dictionary. */
export type PythonValue = string | number | boolean | null | PythonValue[] | { [key: string]: PythonValue };

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  b: "\b",
  f: "\f",
  v: "\v",
  a: "\x07",
  "0": "\0",
  "\\": "\\",
  "'": "'",
  '"': '"',
  "\n": "",
};

/**
 * Reads literals of Python's source, as far as benchmarks write their templates and lengths with them: texts in all quotes,
 * joined by standing side by side or by `+`, numbers, lists, tuples, dictionaries, comments. Nothing is run.
 */
class LiteralReader {
  readonly #source: string;
  #place: number;

  constructor(source: string, place: number) {
    this.#source = source;
    this.#place = place;
  }

  /** The value at the place, with what is joined to it. */
  value(): PythonValue {
    this.#skip();
    const character = this.#source[this.#place];
    if (character === "{") return this.#dictionary();
    if (character === "[" || character === "(") return this.#list(character === "[" ? "]" : ")");
    if (this.#quote() !== undefined) return this.#text();
    const word = /[\w.+-]+/y;
    word.lastIndex = this.#place;
    const found = word.exec(this.#source)?.[0] ?? "";
    this.#place += found.length;
    if (found === "True" || found === "False") return found === "True";
    if (found === "None") return null;
    const number = Number(found.replaceAll("_", ""));
    if (found === "" || Number.isNaN(number)) throw this.#fault();
    return number;
  }

  #fault(): RangeError {
    const line = this.#source.slice(0, this.#place).split("\n").length;
    const near = JSON.stringify(this.#source.slice(this.#place, this.#place + 20));
    return new RangeError(`line ${line}: no plain Python value at ${near}`);
  }

  /** White space, comments, and line ends escaped by a backslash. */
  #skip(): void {
    const blank = /(?:\s|#[^\n]*|\\\n)*/y;
    blank.lastIndex = this.#place;
    this.#place += blank.exec(this.#source)![0].length;
  }

  /** The quote that a text at the place starts with, after its prefix. */
  #quote(): { prefix: string; quote: string } | undefined {
    const start = /([rRuUfFbB]*)("""|'''|"|')/y;
    start.lastIndex = this.#place;
    const found = start.exec(this.#source);
    return found ? { prefix: found[1].toLowerCase(), quote: found[2] } : undefined;
  }

  #text(): string {
    let text = "";
    for (let next = this.#quote(); next; next = this.#quote()) {
      this.#place += next.prefix.length + next.quote.length;
      text += this.#inside(next.quote, next.prefix.includes("r"));
      this.#skip();
      if (this.#source[this.#place] !== "+") continue;
      this.#place++;
      this.#skip();
      if (!this.#quote()) throw this.#fault();
    }
    return text;
  }

  #inside(quote: string, raw: boolean): string {
    let text = "";
    while (!this.#source.startsWith(quote, this.#place)) {
      if (this.#place >= this.#source.length) throw this.#fault();
      const character = this.#source[this.#place++];
      if (character !== "\\" || raw) {
        text += character;
        continue;
      }
      text += this.#escape();
    }
    this.#place += quote.length;
    return text;
  }

  #escape(): string {
    const code = /x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})/iy;
    code.lastIndex = this.#place;
    const found = code.exec(this.#source);
    if (found) {
      this.#place += found[0].length;
      return String.fromCodePoint(parseInt(found[1] ?? found[2] ?? found[3], 16));
    }
    const letter = this.#source[this.#place++];
    return ESCAPES[letter] ?? `\\${letter}`;
  }

  #list(end: string): PythonValue[] {
    const items: PythonValue[] = [];
    this.#place++;
    for (this.#skip(); this.#source[this.#place] !== end; this.#skip()) {
      items.push(this.value());
      this.#comma(end);
    }
    this.#place++;
    return items;
  }

  #dictionary(): { [key: string]: PythonValue } {
    const entries: [string, PythonValue][] = [];
    this.#place++;
    for (this.#skip(); this.#source[this.#place] !== "}"; this.#skip()) {
      const key = String(this.value());
      this.#skip();
      if (this.#source[this.#place++] !== ":") throw this.#fault();
      entries.push([key, this.value()]);
      this.#comma("}");
    }
    this.#place++;
    return Object.fromEntries(entries);
  }

  #comma(end: string): void {
    this.#skip();
    if (this.#source[this.#place] === ",") this.#place++;
    else if (this.#source[this.#place] !== end) throw this.#fault();
  }
}

/**
 * The value that a Python file gives a name at the start of a line.
 *
 * @param source the file's text
 * @param file what to call it in messages
 * @throws {RangeError} where the name gets no value, or one that would have to be computed.
 *
 * @example
 * ```ts
 * import { pythonLiteral } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const source = 'import x\n\nlengths = {\n    "a": 6,  # short\n    "b": 1_200,\n}\n';
 * assertEquals(pythonLiteral(source, "lengths", "x.py"), { a: 6, b: 1200 });
 * ```
 */
export function pythonLiteral(source: string, name: string, file: string): PythonValue {
  const found = new RegExp(`^${name}[ \\t]*=(?!=)`, "m").exec(source);
  if (!found) throw new RangeError(`${file} gives no value to ${name}`);
  try {
    return new LiteralReader(source, found.index + found[0].length).value();
  } catch (error) {
    throw new RangeError(`${file}: ${name}: ${(error as Error).message}`, { cause: error });
  }
}

/** The text or value that starts at a place of a Python file. */
export function pythonValueAt(source: string, place: number): PythonValue {
  return new LiteralReader(source, place).value();
}
