import type { Binding } from "./bind_groups.ts";
import type { KernelVariant, Pipeline } from "./pipelines.ts";

/** A call as it was recorded before, and what it needs. */
export interface KnownCall {
  readonly pipeline: Pipeline;
  readonly group: GPUBindGroup;
  /** Whether its buffers fit a binding however much of them is asked for. */
  readonly alwaysFits: boolean;
}

/** Names and values in a row: compared faster than objects are. */
type Entries = readonly (string | number)[];

interface Seen extends KnownCall {
  readonly kernel: string;
  readonly snippet: string | undefined;
  readonly parts: Entries;
  readonly types: Entries;
  readonly constants: Entries;
  readonly overrides: Entries;
  /** Of each binding: the number of what is bound, the first byte, and the bytes; -1 for all of them. */
  readonly bindings: readonly number[];
}

/** Most places that are remembered. */
const KEPT = 8192;
/** Most calls that are remembered of a place: steps that differ take turns, such as those that select and those that don't. */
const TURNS = 4;

/**
 * Expects the calls of a step to be those of steps before: decoding makes the same calls for every token, or a few kinds of steps in
 * turns, and a look at the calls that had this place takes a fraction of what it takes to look up a pipeline and a bind group by name.
 */
export class ExpectedCalls {
  /** Of each place the calls that it had, the last one that was new there first. */
  readonly #calls: Seen[][] = [];
  #place = 0;
  #learned = 0;

  /** Number of calls that were not expected. */
  get learned(): number {
    return this.#learned;
  }

  /** Begins with the first call again. */
  restart(): void {
    this.#place = 0;
  }

  /** What is known of a call, if it is one of those that had its place before. */
  find(variant: KernelVariant, bindings: readonly Binding[]): KnownCall | undefined {
    const seen = this.#calls[this.#place]?.find((seen) =>
      sameVariant(seen, variant) && sameBindings(seen.bindings, bindings)
    );
    if (seen) this.#place++;
    return seen;
  }

  /** Takes down a call that was not expected. */
  learn(
    { kernel, types, parts = [], constants, overrides, snippet }: KernelVariant,
    bindings: readonly Binding[],
    { pipeline, group, alwaysFits }: KnownCall,
  ): void {
    this.#learned++;
    if (this.#place >= KEPT) return;
    const calls = this.#calls[this.#place++] ??= [];
    if (calls.length === TURNS) calls.pop();
    calls.unshift({
      pipeline,
      group,
      alwaysFits,
      kernel,
      snippet,
      parts: [...parts],
      types: entriesOf(types),
      constants: entriesOf(constants),
      overrides: entriesOf(overrides),
      bindings: bindings.flatMap((each) => [idOf(each), offsetOf(each), bytesOf(each)]),
    });
  }

  /** Forgets all: bind groups keep buffers alive. */
  clear(): void {
    this.#calls.length = 0;
    this.#place = 0;
  }
}

// Images have numbers of their own; below zero they differ from buffers'.
const idOf = (binding: Binding) => "image" in binding ? -1 - binding.image.id : binding.buffer.id;
const offsetOf = (binding: Binding) => "image" in binding ? 0 : binding.offset ?? 0;
const bytesOf = (binding: Binding) => "image" in binding ? -1 : binding.bytes ?? -1;

type Values = Readonly<Record<string, number | string>> | undefined;

function entriesOf(values: Values): Entries {
  return Object.entries(values ?? {}).flat();
}

function sameVariant(seen: Seen, { kernel, types, parts, constants, overrides, snippet }: KernelVariant): boolean {
  return seen.kernel === kernel && seen.snippet === snippet && sameValues(seen.constants, constants) &&
    sameValues(seen.types, types) && sameValues(seen.overrides, overrides) && sameList(seen.parts, parts);
}

/** The same names with the same values, in the same order: the same code has put them together. */
function sameValues(seen: Entries, given: Values): boolean {
  let place = 0;
  for (const name in given) {
    if (seen[place] !== name || seen[place + 1] !== given[name]) return false;
    place += 2;
  }
  return place === seen.length;
}

function sameList(seen: Entries, given: readonly string[] | undefined): boolean {
  if (!given) return seen.length === 0;
  if (given.length !== seen.length) return false;
  for (let place = 0; place < seen.length; place++) if (seen[place] !== given[place]) return false;
  return true;
}

function sameBindings(seen: Seen["bindings"], given: readonly Binding[]): boolean {
  if (seen.length !== 3 * given.length) return false;
  for (let place = 0; place < given.length; place++) {
    const binding = given[place];
    const at = 3 * place;
    if (seen[at] !== idOf(binding) || seen[at + 1] !== offsetOf(binding) || seen[at + 2] !== bytesOf(binding)) {
      return false;
    }
  }
  return true;
}
