import { checkSame } from "./checks.ts";
import { elementBytes } from "./dtype.ts";
import { Tensor } from "./tensor.ts";
import { elementGroups, vectorType, vectorWidth, wideType } from "./vectors.ts";
import { bindRows, rowWindows } from "./windows.ts";

/**
 * The gated activation of the feed-forward block: `silu(gate) * up`, element by element.
 *
 * @param gate any shape, f32 or f16
 * @param up the same shape and type
 * @returns a new tensor of that shape and type
 * @throws {TypeError} where shapes or types differ.
 * @see Shazeer 2020, "GLU Variants Improve Transformer"
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { siluGate, Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using gate = Tensor.from(device, new Float32Array([0, 20]), [2]);
 * using up = Tensor.from(device, new Float32Array([3, 2]), [2]);
 * using y = siluGate(gate, up);
 * assertEquals((await y.read()).map(Math.round).join(), "0,40");
 * ```
 */
export function siluGate(gate: Tensor, up: Tensor): Tensor {
  checkSame("siluGate", gate, up, ["f32", "f16"]);
  const y = Tensor.empty(gate.device, gate.shape, gate.dtype);
  const bytes = elementBytes(gate.dtype);
  for (
    const window of rowWindows(gate.device, "siluGate", gate.size, [bytes])
  ) {
    const width = vectorWidth(window.count);
    const cut = elementGroups(gate.device, window.count / width);
    gate.device.commands.dispatch({
      kernel: "silu_gate",
      types: { Element: vectorType(gate.dtype, width), Wide: wideType(gate.dtype, width) },
      ...cut,
      params: { count: window.count / width },
      bindings: [
        bindRows(gate, 1, window),
        bindRows(up, 1, window),
        bindRows(y, 1, window),
      ],
      work: 8 * window.count,
    });
  }
  return y;
}
