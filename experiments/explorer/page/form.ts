/// <reference lib="dom" />
import { presets } from "../../../lib/attention/mod.ts";
import {
  choiceKnobs,
  type ExplorerCase,
  knobMeanings,
  numberKnobs,
  pageMethods,
  readCase,
  writeCase,
} from "./explorer_case.ts";

/** An element of the page by its id. */
export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element "${id}"`);
  return element as Kind;
}

/** The page's form: a case in, a case out. */
export class CaseForm {
  readonly #form = byId<HTMLFormElement>("form");

  /** Fills in what the toolkit knows: methods and knobs. */
  constructor() {
    this.#field("method").append(...pageMethods.map((name) => new Option(name)));
    byId("knobs").append(
      ...numberKnobs.map((name) => {
        const input = document.createElement("input");
        Object.assign(input, { name, inputMode: "numeric", placeholder: String(presets.demo[name]) });
        return labelled(name, input);
      }),
      ...(Object.keys(choiceKnobs) as (keyof typeof choiceKnobs)[]).map((name) => {
        const select = document.createElement("select");
        select.name = name;
        select.append(...choiceKnobs[name].map((value) => new Option(value)));
        return labelled(name, select);
      }),
    );
    this.#form.addEventListener("input", () => this.#showParts());
    this.show(readCase(new URLSearchParams()));
  }

  /** @throws {CaseError} naming the field that is wrong. */
  read(): ExplorerCase {
    const settings = new URLSearchParams();
    for (const [name, value] of new FormData(this.#form)) {
      const empty = value === "" && (numberKnobs as readonly string[]).includes(name);
      if (!empty) settings.set(name, String(value));
    }
    return readCase(settings);
  }

  /** Shows a case in the fields. */
  show(asked: ExplorerCase): void {
    const { knobs, ...settings } = asked;
    for (const name of numberKnobs) this.#field(name).value = String(knobs[name] ?? "");
    for (const name of Object.keys(choiceKnobs) as (keyof typeof choiceKnobs)[]) {
      this.#field(name).value = String(knobs[name] ?? presets.demo[name]);
    }
    for (const [name, value] of Object.entries(settings)) {
      const field = this.#form.elements.namedItem(name) as HTMLInputElement | RadioNodeList;
      field.value = String(value);
    }
    byId<HTMLDetailsElement>("knobs").closest("details")!.open = Object.keys(knobs).length > 0;
    this.#showParts();
  }

  /** The link that replays a case. */
  static link(asked: ExplorerCase): string {
    return `${location.href.split("#")[0]}#${writeCase(asked)}`;
  }

  #field(name: string): HTMLSelectElement {
    return this.#form.elements.namedItem(name) as HTMLSelectElement;
  }

  /** Only the fields that the chosen text and needle have. */
  #showParts(): void {
    const settings = new FormData(this.#form);
    byId("own").hidden = settings.get("text") !== "own";
    for (const part of this.#form.querySelectorAll<HTMLElement>("[data-for]")) {
      part.hidden = !part.dataset.for!.split(" ").includes(String(settings.get("needle")));
    }
  }
}

/** A knob's field below its name, with what it does below. */
function labelled(name: keyof typeof knobMeanings, field: HTMLElement): HTMLElement {
  const label = document.createElement("label");
  label.append(`${name} `, field);
  const meaning = document.createElement("span");
  Object.assign(meaning, { id: `${name}Meaning`, className: "meaning", textContent: knobMeanings[name] });
  field.setAttribute("aria-describedby", meaning.id);
  const box = document.createElement("div");
  box.append(label, meaning);
  return box;
}
