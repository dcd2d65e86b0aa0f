import type { Tensor } from "../../tensor/mod.ts";
import type { TensorEntry } from "./safetensors_header.ts";

/** Named tensors that are read one by one: one safetensors file, or several as one. */
export interface WeightStore {
  /** Names of all tensors. */
  readonly names: readonly string[];
  /** Whether there is a tensor of that name. */
  has(name: string): boolean;
  /**
   * Stored type and shape of a tensor.
   *
   * @throws {ModelFileError} if there is no such tensor.
   */
  entry(name: string): TensorEntry;
  /**
   * Name of the file that a tensor is in.
   *
   * @throws {ModelFileError} if there is no such tensor.
   */
  fileOf(name: string): string;
  /**
   * Bytes of a tensor as it is stored.
   *
   * @throws {ModelFileError} if there is no such tensor.
   */
  bytes(name: string): number;
  /**
   * A tensor's bytes as they are stored (little-endian, row-major); only they are read.
   *
   * @throws {ModelFileError} if there is no such tensor.
   * @throws {PlatformError} if the file can't be read any more.
   */
  read(name: string): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * A tensor widened to f32, from F32, F16 or BF16.
   *
   * @throws {ModelFileError} if there is no such tensor, or it is stored otherwise.
   */
  readFloats(name: string): Promise<Float32Array<ArrayBuffer>>;
  /**
   * Some rows (along the first axis) of a tensor widened to f32; only they are read.
   *
   * @throws {ModelFileError} if there is no such tensor, or it is stored otherwise.
   * @throws {RangeError} if it has no such rows.
   */
  readRows(name: string, firstRow: number, rows: number): Promise<Float32Array<ArrayBuffer>>;
  /**
   * Makes rows of a tensor on the GPU, for stores whose numbers are made up and needn't pass through the host. Default: they are
   * read.
   *
   * @param target f32 or f16 [rows or more, inputs]; transposed, [inputs, rows or more]
   * @param firstRow the first of its rows that is this tensor's
   */
  readonly fill?: (name: string, target: Tensor, firstRow: number) => void;
  /**
   * A tensor of integers or booleans as i32.
   *
   * @throws {ModelFileError} if there is no such tensor, it holds no integers, or one that i32 can't hold.
   */
  readInts(name: string): Promise<Int32Array<ArrayBuffer>>;
}
