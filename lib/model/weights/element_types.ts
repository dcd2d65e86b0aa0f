/** How a tensor's elements are stored in a safetensors file, by the format's own names. */
export type StoredType =
  | "F64"
  | "F32"
  | "F16"
  | "BF16"
  | "F8_E4M3"
  | "F8_E5M2"
  | "I64"
  | "U64"
  | "I32"
  | "U32"
  | "I16"
  | "U16"
  | "I8"
  | "U8"
  | "BOOL";

/** Bytes of one element of each stored type. */
export const bytesOf: Readonly<Record<StoredType, number>> = Object.freeze({
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  U64: 8,
  I32: 4,
  U32: 4,
  I16: 2,
  U16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
});

/** Stored types that {@linkcode widenToFloats} reads. */
export const floatTypes: readonly StoredType[] = ["F32", "F16", "BF16"];

/** Stored types that {@linkcode widenToInts} reads. */
export const intTypes: readonly StoredType[] = ["I64", "U64", "I32", "U32", "I16", "U16", "I8", "U8", "BOOL"];

let halves: Float32Array | undefined;

/** The f32 value of every f16 bit pattern: 256 KiB, and a look-up is faster than taking the bits apart. */
function halfTable(): Float32Array {
  if (halves) return halves;
  halves = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) halves[bits] = fraction ? NaN : sign * Infinity;
    else if (exponent === 0) halves[bits] = sign * fraction * 2 ** -24;
    else halves[bits] = sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  return halves;
}

/**
 * Little-endian F32, F16 or BF16 elements as f32; every one of them has an exact f32 value.
 *
 * @param bytes the elements; an F32 result shares this memory
 * @throws {TypeError} for a stored type that is none of the three.
 */
export function widenToFloats(type: StoredType, bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  if (!floatTypes.includes(type)) {
    throw new TypeError(`stored type ${type} can't be read as floats; ${floatTypes.join(", ")} can`);
  }
  const { buffer, byteOffset, length } = aligned(bytes, bytesOf[type]);
  if (type === "F32") return new Float32Array(buffer, byteOffset, length / 4);
  const patterns = new Uint16Array(buffer, byteOffset, length / 2);
  if (type === "F16") {
    const table = halfTable();
    const floats = new Float32Array(patterns.length);
    for (let index = 0; index < patterns.length; index++) floats[index] = table[patterns[index]];
    return floats;
  }
  // A bf16 is the upper half of an f32.
  const words = new Uint32Array(patterns.length);
  for (let index = 0; index < patterns.length; index++) words[index] = patterns[index] << 16;
  return new Float32Array(words.buffer);
}

/**
 * Little-endian integers (or booleans, as 0 and 1) of any width as i32.
 *
 * @throws {TypeError} for a stored type that holds no integers.
 * @throws {RangeError} for an element that i32 can't hold.
 */
export function widenToInts(type: StoredType, bytes: Uint8Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  if (!intTypes.includes(type)) {
    throw new TypeError(`stored type ${type} can't be read as integers; ${intTypes.join(", ")} can`);
  }
  const { buffer, byteOffset, length } = aligned(bytes, bytesOf[type]);
  const count = length / bytesOf[type];
  const views = {
    I64: BigInt64Array,
    U64: BigUint64Array,
    I32: Int32Array,
    U32: Uint32Array,
    I16: Int16Array,
    U16: Uint16Array,
    I8: Int8Array,
    U8: Uint8Array,
    BOOL: Uint8Array,
  };
  const stored = new views[type as keyof typeof views](buffer, byteOffset, count);
  if (stored instanceof Int32Array) return stored;
  const ints = new Int32Array(count);
  for (let index = 0; index < count; index++) {
    const value = Number(stored[index]);
    if (value !== (value | 0)) {
      throw new RangeError(`element ${index} is ${stored[index]}; integers are read as i32, which can't hold it`);
    }
    ints[index] = value;
  }
  return ints;
}

function aligned(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  return bytes.byteOffset % size === 0 ? bytes : bytes.slice();
}
