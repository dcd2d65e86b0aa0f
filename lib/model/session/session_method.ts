import {
  type AttentionMethod,
  createMethod,
  type Knobs,
  LayeredAttention,
  type LayerMethods,
  type MethodMaker,
  type MethodName,
  methodNames,
  methodsByLayer,
  presets,
  resolveKnobs,
} from "../../attention/mod.ts";
import type { ModelConfig } from "../config/config.ts";
import { checkScopeAtAnyLength } from "./scope.ts";
import type { SessionModel } from "./session_options.ts";

/** How a session attends. */
export interface MethodOptions {
  /**
   * The attention method: by its name, by a name for each layer (`{ "0-1": "full", default: "reattention" }`), or one of your
   * own, as a function that makes it. Default "reattention".
   */
  method?: MethodName | LayerMethods | MethodMaker;
  /** What differs from the preset: `demo` for models trained at fewer than 8,192 tokens, `paper` otherwise. */
  knobs?: Partial<Knobs>;
  /** What differs from that in single layers, one entry for each layer (the reference's lists). Default: nothing. */
  layerKnobs?: readonly Partial<Knobs>[];
}

/** What a method has to know of a model. */
export interface MethodModel {
  /** Sizes and options. */
  readonly config: ModelConfig;
  /** What its attention is like. */
  readonly decoder: Pick<SessionModel["decoder"], "attentionShape">;
}

/**
 * The method that a session of the model attends by.
 *
 * @throws {RangeError} for a method that can't run the model's sliding window, knobs that are wrong, or whose scope passes the
 * trained context without `allowBeyondTrained`.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { loadModel, methodFor } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * const method = methodFor(model, { method: "reattention", knobs: { window: 96 } });
 * assertEquals([method.name, method.knobs.window], ["reattention", 96]);
 * ```
 */
export function methodFor(model: MethodModel, options: MethodOptions): AttentionMethod {
  const { config } = model;
  const preset = config.trainedContext < 8192 ? presets.demo : presets.paper;
  const knobs = resolveKnobs(options.knobs, preset);
  const method = methodOf(model, options.method ?? "reattention", knobs, options.layerKnobs);
  checkSliding(config, method.name);
  checkScopeAtAnyLength(method, config.trainedContext);
  return method;
}

/**
 * The same method with other knobs.
 *
 * @throws {RangeError} for one of your own or that of several layers, whose knobs are not told by its name; and what `methodFor` throws.
 */
export function methodWithKnobs(model: MethodModel, method: AttentionMethod, knobs: Partial<Knobs>): AttentionMethod {
  const name = methodNames.find((known) => known === method.name);
  if (name && !(method instanceof LayeredAttention)) return methodFor(model, { method: name, knobs });
  const what = name ? "layers with knobs of their own" : `the method "${method.name}", which is none of the toolkit's,`;
  throw new RangeError(`fork: ${what} can't be made anew with other knobs; fork without, or start another session`);
}

function methodOf(
  { config: { layers }, decoder }: MethodModel,
  wanted: MethodName | LayerMethods | MethodMaker,
  knobs: Knobs,
  layerKnobs: readonly Partial<Knobs>[] | undefined,
): AttentionMethod {
  if (layerKnobs && layerKnobs.length !== layers) {
    throw new RangeError(
      `layerKnobs: ${layerKnobs.length} entries for a model of ${layers} layers; give one for each`,
    );
  }
  const make = (name: MethodName | MethodMaker, knobs: Knobs) => {
    const shape = decoder.attentionShape;
    return typeof name === "function" ? name(knobs, shape) : createMethod(name, knobs, shape);
  };
  if (typeof wanted !== "object" && !layerKnobs) return make(wanted, knobs);
  const names = typeof wanted === "object" ? methodsByLayer(wanted, layers) : new Array(layers).fill(wanted);
  const methods = new Map<string, AttentionMethod>();
  return new LayeredAttention(names.map((name: MethodName | MethodMaker, layer) => {
    const complete = resolveKnobs(layerKnobs?.[layer], knobs);
    const key = JSON.stringify([typeof name === "string" ? name : "", Object.entries(complete)]);
    const method = methods.get(key) ?? make(name, complete);
    methods.set(key, method);
    return method;
  }));
}

/** Methods that choose what is attended to leave no place for a window that slides inside it. */
function checkSliding({ slidingWindow, trainedContext }: ModelConfig, method: AttentionMethod["name"]): void {
  if (slidingWindow === null || slidingWindow >= trainedContext || method === "full") return;
  throw new RangeError(
    `method "${method}": this model slides its attention over ${slidingWindow} tokens (sliding_window in its config.json), ` +
      'which only the method "full" runs',
  );
}
