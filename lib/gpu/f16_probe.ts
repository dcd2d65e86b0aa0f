import type { PooledBuffer } from "./buffers.ts";
import type { Commands } from "./commands.ts";
import type { ReadBack } from "./read_back.ts";

/** What the probe needs of a device. */
interface Probed {
  acquire(bytes: number, label: string): PooledBuffer;
  readonly buffers: { release(buffer: PooledBuffer): void };
  readonly commands: Commands;
  readonly readBack: ReadBack;
}

const VALUES = [1, -2.5, 0.333251953125, 1024, -0.0001220703125, 65504, 3, 0.1];

/**
 * Tells whether half floats give right numbers here: some drivers announce them and compute garbage.
 * Squares and halves known values in f16 storage and compares them on the host.
 */
export async function f16Works(device: Probed): Promise<boolean> {
  const input = device.acquire(4 * VALUES.length, "f16 probe");
  const output = device.acquire(4 * VALUES.length, "f16 probe");
  try {
    device.commands.write(input, 0, new Float32Array(VALUES));
    device.commands.dispatch({
      kernel: "f16_probe",
      types: { Half: "f16" },
      params: { count: VALUES.length },
      bindings: [{ buffer: input }, { buffer: output }],
      groups: 1,
      work: VALUES.length,
    });
    const [data] = await device.readBack.read([{
      buffer: output,
      offset: 0,
      bytes: 4 * VALUES.length,
    }]);
    const results = new Float32Array(data);
    return VALUES.every((value, index) => {
      // Half floats carry 11 bits: two roundings stay within 2^-10 of the value.
      const expected = value * 0.5 + 1;
      return Math.abs(results[index] - expected) <=
        Math.abs(expected) * 2 ** -9 + 2 ** -10;
    });
  } catch {
    return false;
  } finally {
    device.buffers.release(input);
    device.buffers.release(output);
  }
}
