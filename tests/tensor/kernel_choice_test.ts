import { assertEquals } from "@std/assert";
import type { Device, Dispatch, KernelName } from "../../lib/gpu/mod.ts";
import {
  argmax,
  cast,
  fill,
  gatherRows,
  matmul,
  max,
  multiply,
  rmsNorm,
  rotary,
  scatterRows,
  siluGate,
  softmax,
  sum,
  type Tensor,
  topK,
  transpose,
  zeros,
} from "../../lib/tensor/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";

/** The kernels, with their constants, that are called while `act` runs; what it makes is freed. */
function called(device: Device, act: () => Tensor | readonly Tensor[] | void): string[] {
  const { commands } = device;
  const names: string[] = [];
  commands.dispatch = (call: Dispatch) => {
    names.push([call.kernel, ...Object.values(call.constants ?? {})].join(" "));
    Object.getPrototypeOf(commands).dispatch.call(commands, call);
  };
  try {
    for (const tensor of [act() ?? []].flat() as Tensor[]) tensor[Symbol.dispose]();
    return names;
  } finally {
    Reflect.deleteProperty(commands, "dispatch");
  }
}

gpuTest("matmul takes vec4 kernels where sizes allow it, and single rows where there are few", (device) => {
  const product = (rows: number, depth: number, columns: number, transposeRight: boolean) =>
    called(device, () => {
      using a = zeros(device, [rows, depth]);
      using b = zeros(device, transposeRight ? [columns, depth] : [depth, columns]);
      return matmul(a, b, { transposeRight });
    });
  assertEquals(product(9, 8, 12, false), ["matmul 8"]);
  assertEquals(product(1, 8, 12, false), ["matmul 1"]);
  assertEquals(product(9, 8, 13, true), ["matmul_transposed 8"]);
  assertEquals(product(3, 8, 13, true), ["matmul_transposed 1"]);
  assertEquals(product(9, 8, 13, false), ["matmul_general"]);
  assertEquals(product(9, 7, 12, false), ["matmul_general"]);
  assertEquals(product(9, 7, 12, true), ["matmul_general"]);
  assertEquals(product(0, 8, 12, false), []);
  assertEquals(product(9, 0, 12, false), []);
});

gpuTest("each op is one call of its own kernel on small tensors, and none on empty ones", (device) => {
  using x = fill(device, [2, 4], 1);
  using none = zeros(device, [0, 4]);
  using weight = zeros(device, [4]);
  using indices = zeros(device, [2], "u32");
  using newRows = zeros(device, [2, 4]);
  using noRows = zeros(device, [0, 4]);
  using noIndices = zeros(device, [0], "u32");
  const ops: [KernelName, (tensor: Tensor) => Tensor | readonly Tensor[] | void][] = [
    ["multiply", (tensor) => multiply(tensor, tensor)],
    ["silu_gate", (tensor) => siluGate(tensor, tensor)],
    ["rms_norm_wide", (tensor) => rmsNorm(tensor, weight, 0)],
    ["softmax_wide", softmax],
    ["sum", sum],
    ["max", max],
    ["argmax_wide", argmax],
    ["top_k", (tensor) => Object.values(topK(tensor, 2))],
    ["cast", (tensor) => cast(tensor, "i32")],
    ["strided_copy", (tensor) => transpose(tensor, [1, 0])],
    ["gather_rows", (tensor) => gatherRows(x, tensor === x ? indices : noIndices)],
    [
      "scatter_rows",
      (tensor) => scatterRows(tensor, tensor === x ? indices : noIndices, tensor === x ? newRows : noRows),
    ],
  ];
  for (const [kernel, op] of ops) {
    assertEquals(called(device, () => op(x)).map((name) => name.split(" ")[0]), [kernel]);
    assertEquals(called(device, () => op(none)), []);
  }
  // Rows of whole vec4s share their sums through parts/row_totals.wgsl; other rows have kernels that take any number.
  using odd = fill(device, [2, 3], 1);
  using oddWeight = zeros(device, [3]);
  assertEquals(called(device, () => rmsNorm(odd, oddWeight, 0)), ["rms_norm"]);
  assertEquals([softmax, argmax].flatMap((op) => called(device, () => op(odd))), ["softmax", "argmax"]);
  using heads = x.reshape([1, 2, 1, 4]);
  using table = zeros(device, [3, 2]);
  assertEquals(called(device, () => rotary(heads, [0, 2], { cos: table, sin: table })), ["rotary 1"]);
});
