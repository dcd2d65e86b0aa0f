import {
  type CacheOptions,
  type Knobs,
  type MethodName,
  presets,
  resolveKnobs,
  type ValuesPlace,
} from "../../lib/attention/mod.ts";
import { type DemoRow, type NeedleProgress, questionRoom, runNeedleTask } from "../../lib/evaluation/mod.ts";
import type { Device } from "../../lib/gpu/mod.ts";
import type { Model } from "../../lib/model/mod.ts";
import { peakProcessBytes } from "../../lib/platform.ts";
import type { NeedleArguments } from "./arguments.ts";
import { needlesFor, readingKnobs } from "./knobs.ts";
import { Reader, type Saved } from "./reader.ts";

/** One method at one length: the row that tables show, and how it was made. */
export interface NeedleRow extends DemoRow {
  /** Storage of keys and values. */
  readonly storage: string;
  /** Where values lay, as told by `--values-on`; outside the GPU they are f32 whatever the storage. */
  readonly valuesOn?: ValuesPlace;
  /** Knobs of the questions. */
  readonly knobs: Readonly<Knobs>;
  /** Knobs of reading. */
  readonly readingKnobs: Readonly<Knobs>;
  /** Whether the contexts' cache came from a file instead of being read. */
  readonly restored: boolean;
  /** With `--save`: what writing the session took; reading does not count it. */
  readonly saved?: Saved;
  /** Tokens of the longest context over those that the model was trained with. */
  readonly timesTrained: number;
  /** Seconds of reading, all haystacks together. */
  readonly readSeconds: number;
  /** Seconds of asking, all haystacks together. */
  readonly askSeconds: number;
  /** Most bytes that the whole process held at once up to this row's end; 0 where the system doesn't tell. */
  readonly processBytes: number;
}

/** How a row is watched and stopped. */
export interface RowOptions {
  /** Ends the run with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Called as tokens are read and questions answered. */
  readonly onProgress?: (progress: NeedleProgress) => void;
}

/** Reads haystacks of one length by one method and asks about them. */
export async function needleRow(
  model: Model,
  device: Device,
  { length, method, asked }: { length: number; method: MethodName; asked: NeedleArguments },
  { signal, onProgress }: RowOptions,
): Promise<NeedleRow> {
  const { trainedContext } = model.config;
  // Only to compare with: full attention past the trained context is a baseline, and its row is marked.
  const beyond = method === "full" && length > trainedContext ? { allowBeyondTrained: true } : {};
  const preset = trainedContext < presets.paper.window ? presets.demo : presets.paper;
  const knobs = resolveKnobs({ ...beyond, ...asked.knobs }, preset);
  const reading = readingKnobs(method, knobs, trainedContext, asked.reading);
  const needles = needlesFor(length, asked.questions);
  const cache = cacheOf(asked);
  let saved: Saved | undefined;
  const file = { save: asked.save, restore: asked.restore, onSaved: (each: Saved) => saved = each };
  const subject = {
    createSession: () => Reader.create(model, { method, knobs: reading ?? knobs, cache }, reading && knobs, file),
    tokenizer: model.tokenizer,
    memory: device.memory,
  };
  const start = performance.now();
  const [row] = await runNeedleTask(subject, {
    method,
    length,
    haystacks: asked.haystacks,
    needles,
    questionsPerNeedle: asked.questions / needles,
    asks: [{ wording: "varied", opening: true }],
    seed: asked.seed,
    allowBeyondTrained: knobs.allowBeyondTrained || (reading?.allowBeyondTrained ?? false),
  }, { signal, onProgress, enough: () => performance.now() - start > 1000 * asked.seconds });
  const savedSeconds = saved?.seconds ?? 0;
  const tokens = row.haystacks * (length - questionRoom);
  const readSeconds = tokens / row.tokensPerSecond - savedSeconds;
  return {
    ...row,
    tokensPerSecond: tokens / readSeconds,
    ...(saved && { saved }),
    storage: asked.storage,
    ...(asked.valuesOn && { valuesOn: asked.valuesOn }),
    restored: asked.restore !== undefined,
    knobs,
    readingKnobs: reading ?? knobs,
    timesTrained: length / trainedContext,
    readSeconds,
    askSeconds: row.seconds - readSeconds - savedSeconds,
    processBytes: peakProcessBytes() ?? 0,
  };
}

function cacheOf({ storage, valuesOn }: NeedleArguments): CacheOptions {
  const outside = valuesOn !== undefined && valuesOn !== "gpu";
  return { keyType: storage, ...(!outside && { valueType: storage }), ...(valuesOn && { valuesOn }) };
}
