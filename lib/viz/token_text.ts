import { escapeLabel, grouped } from "./figure.ts";
import type { TokenText } from "./token_range.ts";

/** Characters of a line of hover text. */
const LINE = 60;
/** Most characters of one stretch: a hostile token may be a million long. */
const MOST = 400;

/** Breaks text into lines of about 60 characters, harmless as plotly's HTML; very long text is cut. */
export function wrapped(text: string): string {
  const cut = text.length > MOST ? `${text.slice(0, MOST)} …` : text;
  return (cut.match(/.{1,60}(?:\s+|$)|\S{60}|\S+/gs) ?? [])
    .map((line) => escapeLabel(line.trimEnd().slice(0, LINE + 1))).join("<br>");
}

/** "token 5" or "tokens 5 to 9". */
export function tokensNamed(start: number, end: number): string {
  return end - start === 1 ? `token ${grouped(start)}` : `tokens ${grouped(start)} to ${grouped(end - 1)}`;
}

/** A token as it can stand on an axis: spaces shown, short, on one line. */
export function tokenLabel(text: string, most = 12): string {
  const shown = text.replace(/\n/g, "⏎").replace(/\s/g, "·");
  return escapeLabel(shown.length > most ? `${shown.slice(0, most - 1)}…` : shown);
}

/** A token in its surroundings, itself in bold: up to three tokens each side. */
export function inContext(text: TokenText, token: number, length = Infinity): string {
  const before = text(Math.max(0, token - 3), token);
  const after = token + 1 < length ? text(token + 1, Math.min(length, token + 4)) : "";
  const part = (words: string) => escapeLabel(words.replace(/\s+/g, " ").slice(-LINE));
  return `${part(before)}<b>${tokenLabel(text(token, token + 1), 24)}</b>${
    escapeLabel(after.replace(/\s+/g, " ").slice(0, LINE))
  }`;
}
