/** Numbers looked at in a piece of a tensor, at most about. */
const SAMPLES = 2 ** 14;

/**
 * Tells weights apart: a hash over evenly spread numbers of every tensor, whatever the order and the files they come from. Two
 * checkpoints of one model differ in practically all numbers; a single changed one can go unseen. Saved sessions are held
 * against it: it comes with loading and costs no second look at the files, nor does it need files at all. `modelFingerprint`
 * tells models apart before any is loaded.
 */
export class WeightsHash {
  #low = 0;
  #high = 0;

  /** Takes in some rows of a tensor. */
  add(tensor: string, firstRow: number, numbers: Float32Array<ArrayBuffer>): void {
    const words = new Uint32Array(numbers.buffer, numbers.byteOffset, numbers.length);
    // An odd step meets every channel in turn.
    const step = Math.ceil(words.length / SAMPLES) | 1;
    let low = firstRow ^ 0x9e3779b9;
    let high = words.length ^ 0x85ebca6b;
    for (let index = 0; index < tensor.length; index++) low = mixed(low, tensor.charCodeAt(index));
    for (let index = 0; index < words.length; index += step) {
      low = mixed(low, words[index]);
      high = mixed(high, words[index] ^ low);
    }
    // Sums don't depend on the order that tensors are loaded in.
    this.#low = (this.#low + low) >>> 0;
    this.#high = (this.#high + high) >>> 0;
  }

  /** The hash so far, 16 hexadecimal digits. */
  get text(): string {
    return [this.#high, this.#low].map((word) => word.toString(16).padStart(8, "0")).join("");
  }
}

/** A step of MurmurHash3's mixing (Appleby). */
function mixed(hash: number, word: number): number {
  const turned = Math.imul(word, 0xcc9e2d51);
  const next = hash ^ Math.imul((turned << 15) | (turned >>> 17), 0x1b873593);
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}
