import { writeAside } from "../../platform.ts";
import { bytesOf, type StoredType } from "./element_types.ts";

/** A tensor to be written. */
export interface TensorToWrite {
  /** How its elements are stored. */
  readonly dtype: StoredType;
  /** Its sizes, row-major; empty for a single number. */
  readonly shape: readonly number[];
  /** Its elements, already in the stored type's bits. */
  readonly data: ArrayBufferView;
}

/**
 * Tensors as the bytes of a safetensors file. Wide elements come first, so that each tensor starts where its type is aligned.
 *
 * @param tensors by name
 * @param metadata notes for the header
 * @throws {RangeError} if a tensor's data has not as many bytes as its type and shape need, or a name is `__metadata__`.
 *
 * @example
 * ```ts
 * import { encodeSafetensors } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeSafetensors({ ids: { dtype: "I32", shape: [2], data: new Int32Array([7, 8]) } });
 * assertEquals([...new Int32Array(bytes.buffer, bytes.length - 8)], [7, 8]);
 * ```
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, TensorToWrite>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array<ArrayBuffer> {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const ordered = Object.entries(tensors).sort(([, left], [, right]) => bytesOf[right.dtype] - bytesOf[left.dtype]);
  let end = 0;
  for (const [name, { dtype, shape, data }] of ordered) {
    const needed = shape.reduce((product, length) => product * length, bytesOf[dtype]);
    if (name === "__metadata__") throw new RangeError(`encodeSafetensors: a tensor can't be named "${name}"`);
    if (data.byteLength !== needed) {
      throw new RangeError(
        `encodeSafetensors: tensor "${name}": ${dtype} [${shape}] needs ${needed} bytes, not ${data.byteLength}`,
      );
    }
    header[name] = { dtype, shape, data_offsets: [end, end + needed] };
    end += needed;
  }
  const json = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(json.length / 8) * 8;
  const file = new Uint8Array(8 + headerBytes + end);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes), true);
  file.fill(0x20, 8, 8 + headerBytes);
  file.set(json, 8);
  let place = 8 + headerBytes;
  for (const [, { data }] of ordered) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), place);
    place += data.byteLength;
  }
  return file;
}

/**
 * Writes a safetensors file, aside and renamed, so that nobody sees half of it.
 *
 * @param path a local path or a file: URL
 * @param tensors by name
 * @param metadata notes for the header
 * @throws {RangeError} if a tensor's data has not as many bytes as its type and shape need.
 * @throws {PlatformError} if the file can't be written, or in a browser.
 *
 * @example
 * ```ts
 * import { SafetensorsFile, writeSafetensors } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const path = `${folder}/steps.safetensors`;
 * await writeSafetensors(path, { steps: { dtype: "F32", shape: [2], data: new Float32Array([1, 2]) } });
 * const file = await SafetensorsFile.open(path);
 * assertEquals([...await file.readFloats("steps")], [1, 2]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export async function writeSafetensors(
  path: string | URL,
  tensors: Readonly<Record<string, TensorToWrite>>,
  metadata?: Readonly<Record<string, string>>,
): Promise<void> {
  await writeAside(path, encodeSafetensors(tensors, metadata));
}
