import {
  AttentionProbe,
  type InsideHead,
  type InsideOptions,
  type InsideStep,
  readInside,
} from "../../attention/mod.ts";
import { type AnswerProbability, forceAnswer, readToAnswer } from "../session/forced_answer.ts";
import { numbersOf, type TextOrTokens, tokensOf } from "../text/question_tokens.ts";
import type { SequenceReader } from "../session/sequence_reader.ts";

/** What to look at while a question is read and answered. */
export interface InspectOptions extends Omit<InsideOptions, "heads"> {
  /** Layers to look at. Default: all. */
  layers?: number | readonly number[];
  /** Query heads to look at. Default: all. */
  heads?: number | readonly number[];
  /**
   * Tokens whose attention is wanted, counted from the prompt's first token on, the answer's after them; negative ones count from
   * the prompt's end. Default [-1]: the prompt's last token, which predicts the answer's first.
   */
  rows?: "all" | readonly number[];
  /** An answer that is written after the prompt, its tokens given. Default: none. */
  answer?: TextOrTokens;
  /** Honoured within one step. */
  signal?: AbortSignal;
}

/** What happened inside a session while it read a question. */
export interface Inspection {
  /** Name of the method that attended. */
  readonly method: string;
  /** Ids of the whole context, prompt and answer included. */
  readonly tokens: readonly number[];
  /** Place of the prompt's first token. */
  readonly promptStart: number;
  /** The steps that hold any of the wanted tokens, oldest first. */
  readonly steps: readonly InsideStep[];
  /** How likely the given answer was; undefined without one. */
  readonly answer: AnswerProbability | undefined;
}

/** Reads a prompt, and an answer if one is given, and looks inside; the reader goes on from there. */
export async function inspect(
  reader: SequenceReader,
  prompt: TextOrTokens,
  options: InspectOptions,
): Promise<Inspection> {
  const { stepper: { model, method }, stepper, cache } = reader;
  const { keysOn } = cache.pool;
  if (keysOn !== "gpu") {
    throw new RangeError(
      `inspect: weights, votes and scores are computed from the keys of all tokens, which lie elsewhere (keysOn "${keysOn}"); use ` +
        'keysOn "gpu", or save the session and restore it so',
    );
  }
  const asked = tokensOf(model, "inspect: the prompt", prompt);
  const answer = options.answer === undefined ? [] : tokensOf(model, "inspect: the answer", options.answer);
  const { layers: layerCount, queryHeads } = model.config;
  const layers = numbersOf("inspect: layer", options.layers, layerCount);
  const heads = numbersOf("inspect: head", options.heads, queryHeads);
  const promptStart = reader.length;
  // The answer's last token is not read: nothing is predicted from it.
  const rows = rowsOf(options.rows, asked.length, Math.max(0, answer.length - 1));
  using probe = new AttentionProbe(cache.device, layers, rows.map((row) => promptStart + row));
  const steps: InsideStep[] = [];
  const look = async () => {
    if (probe.rows.length > 0) steps.push(await readInside(cache, probe, { ...options, heads }));
  };
  const { recorder, watch } = stepper;
  try {
    Object.assign(stepper, { recorder: probe, watch: probe });
    const lastToken = await readToAnswer(reader, asked, look, options.signal);
    const found = await forceAnswer(reader, lastToken, answer, look, options.signal);
    return {
      method: method.name,
      tokens: [...reader.tokens, ...answer.slice(-1)],
      promptStart,
      steps,
      answer: answer.length > 0 ? found : undefined,
    };
  } finally {
    Object.assign(stepper, { recorder, watch });
  }
}

/**
 * One head of an inspection's step.
 *
 * @param step default: the last one
 * @throws {RangeError} where that layer or head was not looked at.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { headOf, loadModel } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * using session = model.createSession({ method: "full" });
 * await session.append("It rained all day.");
 * const inspection = await session.inspect(" Then it", { layers: 3, heads: [1] });
 * const { after } = headOf(inspection, 3, 1);
 * assertEquals([after.layer, after.head], [3, 1]);
 * ```
 */
export function headOf(inspection: Inspection, layer: number, head: number, step = -1): InsideHead {
  const { steps } = inspection;
  const found = steps.at(step)?.layers.find((own) => own.layer === layer)?.heads.find((own) => own.head === head);
  if (found) return found;
  throw new RangeError(`headOf: layer ${layer}, head ${head} of step ${step} was not looked at`);
}

function rowsOf(given: InspectOptions["rows"], prompt: number, answer: number): number[] {
  const count = prompt + answer;
  if (given === "all") return Array.from({ length: count }, (_, row) => row);
  return (given ?? [-1]).map((row) => {
    const place = row < 0 ? prompt + row : row;
    if (Number.isInteger(row) && place >= 0 && place < count) return place;
    throw new RangeError(`inspect: row ${row} must be a whole number from ${-prompt} to ${count - 1}`);
  });
}
