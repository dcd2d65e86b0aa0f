import { type DisplayBundle, valueBundle } from "../../notebook/mod.ts";

/** Knobs as a notebook shows them: each beside the paper's value, those that differ marked. */
export function showKnobs(
  knobs: Readonly<Record<string, unknown>>,
  paper: Readonly<Record<string, unknown>>,
): DisplayBundle {
  const names = Object.keys(knobs);
  const text = (value: unknown) => typeof value === "object" ? JSON.stringify(value) : String(value);
  const marked = new Set(names.flatMap((name, row) => text(knobs[name]) === text(paper[name]) ? [] : [row]));
  const many = `${marked.size} of ${names.length} differ${marked.size === 1 ? "s" : ""} from the paper's`;
  return valueBundle({
    title: `knobs: ${marked.size === 0 ? "the paper's" : many}`,
    columns: ["knob", "value", "paper"],
    rows: names.map((name) => [name, text(knobs[name]), text(paper[name])]),
    marked,
  });
}
