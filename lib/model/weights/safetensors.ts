import * as z from "../../zod.ts";
import { fileExists, fileInside, readText } from "../../platform.ts";
import { ModelFileError, parseStrictJson } from "../model_file_error.ts";
import { missingTensor, SafetensorsFile } from "./safetensors_file.ts";
import type { TensorEntry } from "./safetensors_header.ts";
import type { WeightStore } from "./weight_store.ts";

export { SafetensorsFile } from "./safetensors_file.ts";
export type { TensorEntry } from "./safetensors_header.ts";
export type { WeightStore } from "./weight_store.ts";

/** A model's weights in one file. */
export const SINGLE = "model.safetensors";
/** Which of several files each tensor is in. */
export const INDEX = "model.safetensors.index.json";

interface WeightIndex {
  weight_map: Record<string, string>;
}

const indexSchema: z.ZodMiniType<WeightIndex> = z.object({
  weight_map: z.record(z.string(), z.string("must be a file's name"), "must be an object of file names"),
}, "must be an object with weight_map");

/**
 * Opens a model's weights: `model.safetensors`, or the several files that `model.safetensors.index.json` lists, as one.
 * Reads headers only.
 *
 * @param folder the model's folder, a local path or a URL
 * @throws {ModelFileError} naming the file and tensor that is damaged, or which of the two files is missing.
 * @throws {PlatformError} if a listed file is missing or can't be read.
 *
 * @example
 * ```ts ignore
 * import { openWeights } from "@reattention/toolkit/model";
 *
 * const weights = await openWeights("models/Llama-3.2-1B");
 * const norm = await weights.readFloats("model.norm.weight");
 * ```
 */
export async function openWeights(folder: string | URL): Promise<WeightStore> {
  const single = fileInside(folder, SINGLE);
  if (await fileExists(single)) return await SafetensorsFile.open(single);
  const index = fileInside(folder, INDEX);
  if (!(await fileExists(index))) {
    throw new ModelFileError(`${folder}: has neither ${SINGLE} nor ${INDEX}`);
  }
  return await ShardedWeights.open(folder, parseIndex(await readText(index)));
}

/**
 * Names of the files that an index says the tensors are in.
 *
 * @param text of model.safetensors.index.json
 * @throws {ModelFileError} saying what is wrong with it.
 */
export function shardNames(text: string): string[] {
  return [...new Set(Object.values(parseIndex(text)))];
}

function parseIndex(text: string): WeightIndex["weight_map"] {
  const parsed = indexSchema.safeParse(parseStrictJson(text, INDEX));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0];
    throw new ModelFileError(`${INDEX}: ${[path.join("."), message].filter(Boolean).join(" ")}`);
  }
  for (const [tensor, file] of Object.entries(parsed.data.weight_map)) {
    // An index from the network must not lead out of its folder.
    if (/[/\\]|^\.{0,2}$/.test(file)) {
      throw new ModelFileError(`${INDEX}: tensor "${tensor}": "${file}" must be the name of a file in the same folder`);
    }
  }
  return parsed.data.weight_map;
}

/** Several safetensors files as one store; the index says which tensor is where. */
class ShardedWeights implements WeightStore {
  readonly names: readonly string[];
  readonly #files: ReadonlyMap<string, SafetensorsFile>;

  private constructor(files: ReadonlyMap<string, SafetensorsFile>) {
    this.#files = files;
    this.names = [...files.keys()];
  }

  static async open(folder: string | URL, map: WeightIndex["weight_map"]): Promise<ShardedWeights> {
    const fileNames = [...new Set(Object.values(map))];
    const opened = await Promise.all(fileNames.map((name) => SafetensorsFile.open(fileInside(folder, name))));
    const byName = new Map(fileNames.map((name, index) => [name, opened[index]]));
    const files = new Map<string, SafetensorsFile>();
    for (const [tensor, fileName] of Object.entries(map)) {
      const file = byName.get(fileName)!;
      if (!file.has(tensor)) {
        throw new ModelFileError(`${INDEX}: says that tensor "${tensor}" is in ${fileName}, which does not have it`);
      }
      files.set(tensor, file);
    }
    return new ShardedWeights(files);
  }

  has(name: string): boolean {
    return this.#files.has(name);
  }

  entry(name: string): TensorEntry {
    return this.#file(name).entry(name);
  }

  fileOf(name: string): string {
    return this.#file(name).fileName;
  }

  bytes(name: string): number {
    return this.#file(name).bytes(name);
  }

  async read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#file(name).read(name);
  }

  async readFloats(name: string): Promise<Float32Array<ArrayBuffer>> {
    return await this.#file(name).readFloats(name);
  }

  async readRows(name: string, firstRow: number, rows: number): Promise<Float32Array<ArrayBuffer>> {
    return await this.#file(name).readRows(name, firstRow, rows);
  }

  async readInts(name: string): Promise<Int32Array<ArrayBuffer>> {
    return await this.#file(name).readInts(name);
  }

  #file(name: string): SafetensorsFile {
    const file = this.#files.get(name);
    if (file) return file;
    throw missingTensor(INDEX, name, this.names);
  }
}
