/// <reference lib="dom" />
import type { Answer } from "./answer.ts";
import { byId } from "./form.ts";

/** What is told of an answer once it stands. */
export function verdict({ right, expected, seconds, contextTokens }: Answer): string {
  const read = `Read ${grouped(contextTokens)} tokens in ${seconds.toFixed(1)} s.`;
  if (right === undefined) return read;
  return right ? `Right. ${read}` : `Wrong: expected was "${expected}". ${read}`;
}

/** Puts an answer on top of the table of answers; every text is text, whatever it holds. */
export function addRow({ method, contextTokens, said, right, scope, beyondTrained, seconds }: Answer): void {
  const table = byId<HTMLTableElement>("answers");
  const judged = right === undefined ? "" : right ? "right" : "wrong";
  const cells: [string, string][] = [
    [method, ""],
    [said, ""],
    [judged, judged],
    [grouped(contextTokens), "number"],
    [`${grouped(scope)}${beyondTrained ? "*" : ""}`, "number"],
    [seconds.toFixed(1), "number"],
  ];
  const row = table.tBodies[0].insertRow(0);
  for (const [text, kind] of cells) {
    const cell = row.insertCell();
    cell.textContent = text;
    cell.className = kind;
  }
  table.parentElement!.hidden = false;
}

/** A number with commas between thousands. */
export function grouped(number: number): string {
  return number.toLocaleString("en-US");
}
