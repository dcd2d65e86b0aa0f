import { ByteSource } from "./byte_source.ts";
import { bytesOf, floatTypes, intTypes, type StoredType, widenToFloats, widenToInts } from "./element_types.ts";
import { ModelFileError } from "../model_file_error.ts";
import {
  headerLength,
  parseHeader,
  type PlacedEntry,
  type SafetensorsHeader,
  type TensorEntry,
} from "./safetensors_header.ts";
import type { WeightStore } from "./weight_store.ts";

/**
 * One safetensors file. Opening it reads and checks the header; each tensor is read when it is asked for, straight
 * from its place in the file, which is never held as a whole (unless a server sends it in no other way).
 *
 * @example
 * ```ts
 * import { encodeSafetensors, SafetensorsFile } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeSafetensors({ steps: { dtype: "F32", shape: [2], data: new Float32Array([1, 2]) } });
 * const url = URL.createObjectURL(new Blob([bytes]));
 * const file = await SafetensorsFile.open(url);
 * assertEquals(file.names, ["steps"]);
 * assertEquals([...await file.readFloats("steps")], [1, 2]);
 * URL.revokeObjectURL(url);
 * ```
 */
export class SafetensorsFile implements WeightStore {
  /** The file's name, without its folder. */
  readonly fileName: string;
  /** Names of all tensors, in the file's order. */
  readonly names: readonly string[];
  /** The file's own notes (`__metadata__`); often JSON inside strings. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly #source: ByteSource;
  readonly #entries: SafetensorsHeader["entries"];

  private constructor(source: ByteSource, { entries, metadata }: SafetensorsHeader) {
    this.#source = source;
    this.#entries = entries;
    this.fileName = source.name;
    this.names = [...entries.keys()];
    this.metadata = metadata;
  }

  /**
   * Opens a file and checks its header.
   *
   * @param source a local path or a URL
   * @throws {ModelFileError} naming file and tensor where the header is damaged or promises what the file can't hold.
   * @throws {PlatformError} if the file is missing or can't be read.
   */
  static async open(source: string | URL): Promise<SafetensorsFile> {
    const bytes = await ByteSource.open(source);
    const first = await bytes.read(0, Math.min(8, bytes.size));
    const length = headerLength(bytes.name, first, bytes.size);
    const header = await bytes.read(8, 8 + length);
    return new SafetensorsFile(bytes, parseHeader(bytes.name, header, bytes.size));
  }

  /** Whether the file has a tensor of that name. */
  has(name: string): boolean {
    return this.#entries.has(name);
  }

  /**
   * Stored type and shape of a tensor.
   *
   * @throws {ModelFileError} if there is no such tensor.
   */
  entry(name: string): TensorEntry {
    const { dtype, shape } = this.#placed(name);
    return { dtype, shape };
  }

  /**
   * Name of the file that a tensor is in: this one.
   *
   * @throws {ModelFileError} if there is no such tensor.
   */
  fileOf(name: string): string {
    this.#placed(name);
    return this.fileName;
  }

  /**
   * Bytes of a tensor as it is stored.
   *
   * @throws {ModelFileError} if there is no such tensor.
   */
  bytes(name: string): number {
    const { start, end } = this.#placed(name);
    return end - start;
  }

  /**
   * A tensor's bytes as they are stored (little-endian, row-major); only they are read.
   *
   * @throws {ModelFileError} if there is no such tensor.
   * @throws {PlatformError} if the file can't be read any more.
   */
  async read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const { start, end } = this.#placed(name);
    return await this.#source.read(start, end);
  }

  /**
   * A tensor widened to f32, from F32, F16 or BF16.
   *
   * @throws {ModelFileError} if there is no such tensor, or it is stored otherwise.
   * @throws {PlatformError} if the file can't be read any more.
   */
  async readFloats(name: string): Promise<Float32Array<ArrayBuffer>> {
    const { dtype, start, end } = this.#placedAs(name, "floats", floatTypes);
    return widenToFloats(dtype, await this.#source.read(start, end));
  }

  /**
   * Some rows (along the first axis) of a tensor widened to f32; only they are read.
   *
   * @param name the tensor's name
   * @param firstRow the first row to read
   * @param rows how many
   * @throws {ModelFileError} if there is no such tensor, or it is stored otherwise.
   * @throws {RangeError} if it has no such rows.
   * @throws {PlatformError} if the file can't be read any more.
   */
  async readRows(name: string, firstRow: number, rows: number): Promise<Float32Array<ArrayBuffer>> {
    const { dtype, shape, start } = this.#placedAs(name, "floats", floatTypes);
    const [height = 0, ...rest] = shape;
    const whole = Number.isInteger(firstRow) && Number.isInteger(rows);
    if (!whole || firstRow < 0 || rows < 0 || firstRow + rows > height) {
      throw new RangeError(
        `${this.fileName}: tensor "${name}" [${shape}] has ${height} rows; ${rows} from row ${firstRow} on were asked for`,
      );
    }
    const rowBytes = rest.reduce((product, length) => product * length, bytesOf[dtype]);
    const from = start + firstRow * rowBytes;
    return widenToFloats(dtype, await this.#source.read(from, from + rows * rowBytes));
  }

  /**
   * A tensor of integers or booleans as i32.
   *
   * @throws {ModelFileError} if there is no such tensor, it holds no integers, or one that i32 can't hold.
   * @throws {PlatformError} if the file can't be read any more.
   */
  async readInts(name: string): Promise<Int32Array<ArrayBuffer>> {
    const { dtype, start, end } = this.#placedAs(name, "integers", intTypes);
    const bytes = await this.#source.read(start, end);
    try {
      return widenToInts(dtype, bytes);
    } catch (error) {
      throw new ModelFileError(`${this.fileName}: tensor "${name}": ${(error as Error).message}`, { cause: error });
    }
  }

  #placed(name: string): PlacedEntry {
    const entry = this.#entries.get(name);
    if (entry) return entry;
    throw missingTensor(this.fileName, name, this.names);
  }

  #placedAs(name: string, kind: string, types: readonly StoredType[]): PlacedEntry {
    const entry = this.#placed(name);
    if (types.includes(entry.dtype)) return entry;
    throw new ModelFileError(
      `${this.fileName}: tensor "${name}" is stored as ${entry.dtype}; ${kind} are read from ${types.join(", ")}`,
    );
  }
}

/** There is no such tensor: says which there are, the first few of them. */
export function missingTensor(file: string, name: string, names: readonly string[]): ModelFileError {
  const some = names.slice(0, 5).join(", ");
  const listed = names.length > 5 ? `${some}, ...` : some;
  return new ModelFileError(`${file}: has no tensor "${name}"; it has ${names.length}: ${listed || "none"}`);
}
