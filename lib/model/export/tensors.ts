import type { TensorToWrite } from "../weights/safetensors_writer.ts";

/** Whole numbers as a tensor, I32; of one axis unless a shape is given. */
export function integers(values: ArrayLike<number>, shape: readonly number[] = [values.length]): TensorToWrite {
  return { dtype: "I32", shape, data: Int32Array.from(values) };
}

/** Numbers as a tensor, F32; of one axis unless a shape is given. */
export function numbers(values: ArrayLike<number>, shape: readonly number[] = [values.length]): TensorToWrite {
  return { dtype: "F32", shape, data: Float32Array.from(values) };
}
