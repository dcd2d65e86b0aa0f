/** Numbers in a safetensors file, counted from its header's shapes. */
export async function readSafetensorsParameters(file: URL): Promise<number> {
  const bytes = await Deno.readFile(file);
  const size = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + size))) as Record<
    string,
    { shape?: number[] }
  >;
  return Object.entries(header).filter(([name]) => name !== "__metadata__")
    .reduce((sum, [, { shape = [] }]) => sum + shape.reduce((product, length) => product * length, 1), 0);
}
