// What a GPU's memory has left, as far as its driver tells outside WebGPU, which has no figure for it.

/** Runs a program and gives its output; undefined where there is none or it failed. */
export type AskProgram = (command: string, args: readonly string[]) => Promise<string | undefined>;

const MEBIBYTE = 2 ** 20;

/**
 * Bytes left on the fullest of this machine's NVIDIA GPUs: which of them WebGPU picked is not told. Undefined where that
 * can't be known.
 *
 * @param ask runs nvidia-smi
 */
export async function nvidiaMemoryLeft(ask: AskProgram): Promise<number | undefined> {
  const told = await ask("nvidia-smi", ["--query-gpu=memory.free", "--format=csv,noheader,nounits"]);
  const free = (told ?? "").split("\n").map((line) => line.trim()).filter((line) => /^\d+$/.test(line)).map(Number);
  return free.length > 0 ? Math.min(...free) * MEBIBYTE : undefined;
}
