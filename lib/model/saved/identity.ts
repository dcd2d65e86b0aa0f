import { type AttentionMethod, LayeredAttention } from "../../attention/mod.ts";
import type { ModelConfig } from "../config/config.ts";
import type { SavedHeader, SavedMethod } from "./header.ts";
import { SavedSessionError } from "./saved_session_error.ts";

/** What decides how a method attends, as JSON can hold it. */
export function describeMethod(method: AttentionMethod): SavedMethod {
  const { name, knobs } = method;
  if (!(method instanceof LayeredAttention)) return { name, knobs };
  return { name, knobs, layers: method.layers.map(({ name, knobs }) => ({ name, knobs })) };
}

/** A configuration as it comes back from JSON. */
export function describeConfig(config: ModelConfig): Record<string, unknown> {
  return JSON.parse(JSON.stringify(config));
}

/**
 * Checks that a model is the one that a session was saved with.
 *
 * @throws {SavedSessionError} naming what differs.
 */
export function checkModel(path: string, header: SavedHeader, config: ModelConfig, weights: string): void {
  const differs = difference(header.config, describeConfig(config));
  if (differs) throw new SavedSessionError(path, `it was saved with another model: ${differs}`);
  if (header.weights === weights) return;
  throw new SavedSessionError(
    path,
    `it was saved with another model of the same shape: its weights are "${header.weights}", this model's "${weights}"`,
  );
}

/**
 * Checks that a method is the one that a session was saved with.
 *
 * @throws {SavedSessionError} naming the first thing that differs.
 */
export function checkMethod(path: string, { method: saved }: SavedHeader, method: AttentionMethod): void {
  const here: SavedMethod = JSON.parse(JSON.stringify(describeMethod(method)));
  if (saved.name !== here.name) {
    throw new SavedSessionError(path, `it was saved with the method "${saved.name}", not "${here.name}"`);
  }
  const fields = ({ knobs, layers = [] }: SavedMethod) => {
    return { ...knobs, ...Object.fromEntries(layers.map((layer, index) => [`layer ${index}`, layer])) };
  };
  const differs = difference(fields(saved), fields(here));
  if (differs) throw new SavedSessionError(path, `it was saved with other knobs: ${differs}`);
}

/** The first field in which two records differ, in words. */
function difference(
  saved: Readonly<Record<string, unknown>>,
  here: Readonly<Record<string, unknown>>,
): string | undefined {
  const names = [...new Set([...Object.keys(saved), ...Object.keys(here)])];
  const name = names.find((name) => canonical(saved[name]) !== canonical(here[name]));
  if (name === undefined) return undefined;
  return `${name} is ${canonical(saved[name])} in the file and ${canonical(here[name])} here`;
}

/** JSON with sorted keys. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => a < b ? -1 : 1));
  }) ?? "missing";
}
