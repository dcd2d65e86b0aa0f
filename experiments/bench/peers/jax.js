/** jax-js on its WebGPU backend, compiled with jit. */
import { inputValues, serve } from "./serve.js";

const jax = await import(Deno.args[0]);
await jax.init("webgpu");
jax.defaultDevice("webgpu");
const { numpy: np } = jax;

const result = {
  // What is dropped before anybody waits for it is never computed.
  lazy: true,
  read: (array) => array.ref.data(),
  wait: (array) => jax.blockUntilReady(array),
  drop: (array) => array.dispose(),
};

await serve(({ op, sizes }) => {
  if (op === "matmul") {
    const [rows, depth, columns] = sizes;
    const left = np.array(inputValues(0, rows * depth)).reshape([rows, depth]);
    const right = np.array(inputValues(1, depth * columns)).reshape([depth, columns]);
    const product = jax.jit((a, b) => np.matmul(a, b));
    return { ...result, run: () => product(left.ref, right.ref), close: () => [left, right].map((x) => x.dispose()) };
  }
  if (op === "softmax") {
    const x = np.array(inputValues(0, sizes[0] * sizes[1])).reshape(sizes);
    const softmax = jax.jit((a) => jax.nn.softmax(a));
    return { ...result, run: () => softmax(x.ref), close: () => x.dispose() };
  }
  return `has no ${op}`;
});
