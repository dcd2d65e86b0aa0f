import type { Binding } from "./bind_groups.ts";
import type { KernelVariant, Pipeline } from "./pipelines.ts";

/** A call as it was recorded before, and what it needs. */
export interface KnownCall {
  readonly pipeline: Pipeline;
  readonly group: GPUBindGroup;
}

interface Seen extends KnownCall {
  readonly variant: KernelVariant;
  readonly bindings: readonly (readonly [id: number, offset: number, bytes: number | undefined])[];
}

/** Most calls that are remembered. */
const KEPT = 8192;

/**
 * Expects the calls of a step to be those of the step before: decoding makes the same calls for every token, and a look at the call
 * that had this place takes a fraction of what it takes to look up its pipeline and its bind group by name.
 */
export class ExpectedCalls {
  readonly #calls: Seen[] = [];
  #place = 0;

  /** Begins with the first call again. */
  restart(): void {
    this.#place = 0;
  }

  /** What is known of a call, if it is the one that had its place before. */
  find(variant: KernelVariant, bindings: readonly Binding[]): KnownCall | undefined {
    const seen = this.#calls[this.#place];
    if (!seen || !sameVariant(seen.variant, variant) || !sameBindings(seen.bindings, bindings)) return undefined;
    this.#place++;
    return seen;
  }

  /** Takes down a call that was not expected. */
  learn(
    { kernel, types, constants, overrides, snippet }: KernelVariant,
    bindings: readonly Binding[],
    known: KnownCall,
  ): void {
    if (this.#place >= KEPT) return;
    this.#calls[this.#place++] = {
      ...known,
      variant: { kernel, types: { ...types }, constants: { ...constants }, overrides: { ...overrides }, snippet },
      bindings: bindings.map((each) => [idOf(each), offsetOf(each), bytesOf(each)] as const),
    };
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
const bytesOf = (binding: Binding) => "image" in binding ? undefined : binding.bytes;

function sameVariant(seen: KernelVariant, { kernel, types, constants, overrides, snippet }: KernelVariant): boolean {
  return seen.kernel === kernel && seen.snippet === snippet && sameValues(seen.constants!, constants) &&
    sameValues(seen.types!, types) && sameValues(seen.overrides!, overrides);
}

function sameValues(
  seen: Readonly<Record<string, number | string>>,
  given: Readonly<Record<string, number | string>> | undefined,
): boolean {
  let count = 0;
  for (const name in given) {
    if (seen[name] !== given[name]) return false;
    count++;
  }
  for (const _ in seen) count--;
  return count === 0;
}

function sameBindings(seen: Seen["bindings"], given: readonly Binding[]): boolean {
  if (seen.length !== given.length) return false;
  for (let place = 0; place < seen.length; place++) {
    const [id, offset, bytes] = seen[place];
    const binding = given[place];
    if (id !== idOf(binding) || offset !== offsetOf(binding) || bytes !== bytesOf(binding)) return false;
  }
  return true;
}
