import type { RopeScaling, RopeSpec } from "../../attention/attend/rotary_frequencies.ts";
import type { RawConfig, RawRope } from "./config_schema.ts";
import { ModelFileError } from "../model_file_error.ts";

/**
 * The rotary embedding of a config.json: `rope_parameters` where it is there, else `rope_theta` and `rope_scaling`.
 *
 * @throws {ModelFileError} for a kind of scaling that can't be run, or one whose fields are missing or wrong.
 */
export function ropeOf(raw: RawConfig): RopeSpec {
  const field = raw.rope_parameters ? "rope_parameters" : "rope_scaling";
  const found = raw[field] ?? {};
  return { base: found.rope_theta ?? raw.rope_theta ?? 10_000, scaling: scalingOf(field, found, raw) };
}

/**
 * The share of a head's channels that rotate (partial_rotary_factor).
 *
 * @param usual the family's own share, where the config names none
 */
export function rotaryShareOf(raw: RawConfig, usual: number): number {
  return raw.rope_parameters?.partial_rotary_factor ?? raw.partial_rotary_factor ?? usual;
}

function scalingOf(field: string, found: RawRope, raw: RawConfig): RopeScaling | null {
  const type = found.rope_type ?? found.type ?? "default";
  if (type === "default") return null;
  if (type !== "linear" && type !== "llama3") {
    throw new ModelFileError(
      `config.json: ${field}.rope_type ${JSON.stringify(type)} can't be run; default, linear and llama3 can`,
    );
  }
  const needed = (name: string, value: number | null | undefined): number => {
    if (value !== null && value !== undefined) return value;
    throw new ModelFileError(`config.json: ${field}.${name} is missing; rope_type "${type}" needs a positive number`);
  };
  const factor = needed("factor", found.factor);
  if (factor < 1) throw new ModelFileError(`config.json: ${field}.factor must be at least 1, not ${factor}`);
  if (type === "linear") return { type, factor };
  const low = needed("low_freq_factor", found.low_freq_factor);
  const high = needed("high_freq_factor", found.high_freq_factor);
  if (high <= low) {
    throw new ModelFileError(
      `config.json: ${field}.high_freq_factor must be more than low_freq_factor (${low}), not ${high}`,
    );
  }
  const original = "original_max_position_embeddings";
  const originalContext = needed(original, found[original] ?? raw[original]);
  return { type, factor, lowFrequencyFactor: low, highFrequencyFactor: high, originalContext };
}
