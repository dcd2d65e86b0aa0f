import type { Device } from "../gpu/mod.ts";
import type { DType } from "./dtype.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** Makes a tensor and lets `record` fill it; where that throws, the tensor is freed. */
export function newTensor(
  device: Device,
  shape: Shape,
  dtype: DType,
  record: (output: Tensor) => void,
): Tensor {
  const output = Tensor.empty(device, shape, dtype);
  try {
    record(output);
    return output;
  } catch (error) {
    output[Symbol.dispose]();
    throw error;
  }
}
