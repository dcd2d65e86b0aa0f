import {
  type AttentionMethod,
  createMethod,
  type Knobs,
  LayeredAttention,
  type MethodName,
  presets,
  resolveKnobs,
} from "../attention/mod.ts";
import type { ModelConfig } from "./config.ts";
import { checkScopeAtAnyLength } from "./scope.ts";
import type { SessionModel } from "./session_options.ts";

/** How a session attends. */
export interface MethodOptions {
  /** The attention method. Default "reattention". */
  method?: MethodName;
  /** What differs from the preset: `demo` for models trained at fewer than 8,192 tokens, `paper` otherwise. */
  knobs?: Partial<Knobs>;
  /** What differs from that in single layers, one entry for each layer (the reference's lists). Default: nothing. */
  layerKnobs?: readonly Partial<Knobs>[];
}

/**
 * The method that a session of the model attends by.
 *
 * @throws {RangeError} for a method that can't run the model's sliding window, knobs that are wrong, or whose scope passes the
 * trained context without `allowBeyondTrained`.
 */
export function methodFor(model: Pick<SessionModel, "config" | "decoder">, options: MethodOptions): AttentionMethod {
  const { config, decoder } = model;
  const preset = config.trainedContext < 8192 ? presets.demo : presets.paper;
  const knobs = resolveKnobs(options.knobs, preset);
  const name = options.method ?? "reattention";
  const method = options.layerKnobs
    ? layered(model, name, knobs, options.layerKnobs)
    : createMethod(name, knobs, decoder.attentionShape);
  checkSliding(config, method.name);
  checkScopeAtAnyLength(method, config.trainedContext);
  return method;
}

function layered(
  { config, decoder }: Pick<SessionModel, "config" | "decoder">,
  name: MethodName,
  knobs: Knobs,
  layerKnobs: readonly Partial<Knobs>[],
): AttentionMethod {
  if (layerKnobs.length !== config.layers) {
    throw new RangeError(
      `layerKnobs: ${layerKnobs.length} entries for a model of ${config.layers} layers; give one for each`,
    );
  }
  const methods = new Map<string, AttentionMethod>();
  return new LayeredAttention(layerKnobs.map((own) => {
    const complete = resolveKnobs(own, knobs);
    const key = JSON.stringify(Object.entries(complete));
    const method = methods.get(key) ?? createMethod(name, complete, decoder.attentionShape);
    methods.set(key, method);
    return method;
  }));
}

/** Methods that choose what is attended to leave no place for a window that slides inside it. */
function checkSliding({ slidingWindow, trainedContext }: ModelConfig, method: MethodName): void {
  if (slidingWindow === null || slidingWindow >= trainedContext || method === "full") return;
  throw new RangeError(
    `method "${method}": this model slides its attention over ${slidingWindow} tokens (sliding_window in its config.json), ` +
      'which only the method "full" runs',
  );
}
