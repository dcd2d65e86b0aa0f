/** onnxruntime-web on its WebGPU execution provider, inputs and outputs kept on the GPU. */
import { inputValues, serve } from "./serve.js";

const ort = await import(Deno.args[0]);
ort.env.wasm.numThreads = 1;

/** A length-delimited field of a protocol buffer. */
function field(number, bytes) {
  const length = [];
  for (let rest = bytes.length;; rest >>>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return [number << 3 | 2, ...length, ...bytes];
}

const text = (words) => [...new TextEncoder().encode(words)];
const whole = (number, value) => [number << 3, value];

/** A model of one node without fixed sizes; see onnx.proto. */
function modelOf(operator, inputs) {
  const value = (number, name) => field(number, [...field(1, text(name)), ...field(2, field(1, whole(1, 1)))]);
  const node = [...inputs.flatMap((name) => field(1, text(name))), ...field(2, text("y")), ...field(4, text(operator))];
  const graph = [
    ...field(1, node),
    ...field(2, text("g")),
    ...inputs.flatMap((name) => value(11, name)),
    ...value(12, "y"),
  ];
  return new Uint8Array([...whole(1, 8), ...field(7, graph), ...field(8, whole(2, 13))]);
}

await serve(async ({ op, sizes }) => {
  const shapes = op === "matmul" ? { a: [sizes[0], sizes[1]], b: [sizes[1], sizes[2]] } : { a: sizes };
  const session = await ort.InferenceSession.create(
    modelOf(op === "matmul" ? "MatMul" : "Softmax", Object.keys(shapes)),
    {
      executionProviders: ["webgpu"],
      preferredOutputLocation: "gpu-buffer",
    },
  );
  const device = await ort.env.webgpu.device;
  const feeds = {};
  Object.entries(shapes).forEach(([name, dims], seed) => {
    const data = inputValues(seed, dims[0] * dims[1]);
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC;
    const gpu = device.createBuffer({ size: data.byteLength, usage });
    device.queue.writeBuffer(gpu, 0, data);
    feeds[name] = ort.Tensor.fromGpuBuffer(gpu, { dataType: "float32", dims });
  });
  return {
    run: async () => (await session.run(feeds)).y,
    read: (tensor) => tensor.getData(),
    wait: () => device.queue.onSubmittedWorkDone(),
    drop: (tensor) => tensor.dispose(),
    close: () => session.release(),
  };
});
