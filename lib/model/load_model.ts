import type { Device } from "../gpu/mod.ts";
import { fileExists, readText } from "../platform.ts";
import { type ModelConfig, parseConfig } from "./config/config.ts";
import { Decoder } from "./decoder/decoder.ts";
import { DecoderWeights, type LoadedShard, type WeightType } from "./weights/decoder_weights.ts";
import type { HubOptions } from "./hub/fetch_model.ts";
import { Model } from "./model.ts";
import { parseStrictJson } from "./model_file_error.ts";
import { modelFolder } from "./model_folder.ts";
import { openWeights } from "./weights/safetensors.ts";
import { loadTokenizer } from "./text/tokenizer.ts";

/** Where a model goes, and for one of the hub, how it is fetched. */
export interface LoadOptions extends HubOptions {
  /** The device that holds the weights. */
  device: Device;
  /**
   * Type of the matrices on the GPU: "f32", or "f16" for half the memory and, where reading them is what takes time, up to
   * twice the speed; sums stay f32. Default "f32".
   */
  weights?: WeightType;
  /** Called when a weight file is on the GPU. */
  onShard?: (shard: LoadedShard) => void;
}

/**
 * Loads a model: the embedded one by "demo"; one of the Hugging Face hub by "organization/name", downloaded once into the
 * cache that the Python library uses too; or one from a folder with config.json, tokenizer.json and safetensors weights.
 *
 * @param source "demo", "organization/name", a folder's path (one that looks like a name, too, if it is there), or a URL of a folder
 * @param options the device, and for the hub the revision (default "main"), token and cache folder
 * @returns a model to dispose after use
 * @throws {ModelFileError} where a file is damaged, misses a field, or is of a family that can't be run, naming it.
 * @throws {RangeError} where a tensor is missing or has another shape than config.json says, naming it.
 * @throws {HubRefusal} where the hub says no.
 * @throws {PlatformError} where disk or network fail.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { loadModel } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using model = await loadModel("demo", { device });
 * assertEquals(model.config.trainedContext, 512);
 * ```
 */
export async function loadModel(source: string | URL, options: LoadOptions): Promise<Model> {
  const { device, onShard, weights: type = "f32" } = options;
  if (type !== "f32" && type !== "f16") throw new TypeError(`loadModel: weights ${type} must be "f32" or "f16"`);
  const folder = await modelFolder(source, options);
  const config = parseConfig(parseStrictJson(await readText(new URL("config.json", folder)), `${folder}config.json`));
  const tokenizer = await fileExists(new URL("tokenizer.json", folder)) ? await loadTokenizer(folder) : undefined;
  const store = await openWeights(folder);
  const weights = await DecoderWeights.load(device, config, store, { onShard, type });
  return new Model(config, tokenizer, new Decoder(device, config, weights));
}

/**
 * Reads a model's config.json and nothing else of it; one of the hub is downloaded first, as by `loadModel`.
 *
 * @param source "demo", "organization/name", a folder's path, or a URL of a folder
 * @throws {ModelFileError} where it is damaged or of a family that can't be run.
 * @throws {PlatformError} where disk or network fail.
 *
 * @example
 * ```ts
 * import { loadConfig } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals((await loadConfig("demo")).trainedContext, 512);
 * ```
 */
export async function loadConfig(source: string | URL, options: HubOptions = {}): Promise<ModelConfig> {
  const url = new URL("config.json", await modelFolder(source, options));
  return parseConfig(parseStrictJson(await readText(url), url.href));
}
