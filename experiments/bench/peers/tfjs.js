/** TensorFlow.js on its WebGPU backend. */
import { inputValues, serve } from "./serve.js";

const tf = await import(Deno.args[0]);
await import(Deno.args[1]);
await tf.setBackend("webgpu");
await tf.ready();

/** Waits for all queued work by reading one number. */
async function wait(tensor) {
  const one = tf.slice(tf.reshape(tensor, [-1]), 0, 1);
  await one.data();
  one.dispose();
}

const result = { read: (tensor) => tensor.data(), wait, drop: (tensor) => tensor.dispose() };

await serve(({ op, sizes }) => {
  if (op === "matmul") {
    const [rows, depth, columns] = sizes;
    const left = tf.tensor2d(inputValues(0, rows * depth), [rows, depth]);
    const right = tf.tensor2d(inputValues(1, depth * columns), [depth, columns]);
    return { ...result, run: () => tf.matMul(left, right), close: () => tf.dispose([left, right]) };
  }
  if (op === "softmax") {
    const x = tf.tensor2d(inputValues(0, sizes[0] * sizes[1]), sizes);
    return { ...result, run: () => tf.softmax(x), close: () => x.dispose() };
  }
  return `has no ${op}`;
});
