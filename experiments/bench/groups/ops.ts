import { add, argmax, gatherRows, rmsNorm, rotary, siluGate, softmax, Tensor } from "../../../lib/tensor/mod.ts";
import type { Device } from "../../../lib/gpu/mod.ts";
import { type BenchCase, errorAt, opened, somePlaces } from "../bench_case.ts";
import { inputTensor, inputValue } from "../inputs.ts";

const COLUMNS = 4096;
const HEAD_SIZE = 128;

interface Op {
  name: string;
  /** Arrays of the input's size that are read and written. */
  arrays: number;
  run(device: Device, x: Tensor): { result(): Tensor; owned: Tensor[] };
  /** The right value at a place of the result. */
  at(place: number): number;
}

/** Ops that only move numbers, as shares of copy bandwidth. */
export function opCases(software: boolean): BenchCase[] {
  const rows = (software ? 2 ** 26 : 2 ** 28) / 4 / COLUMNS;
  return ops(rows).map(({ name, arrays, run, at }): BenchCase => ({
    group: name,
    shape: `${rows}x${COLUMNS}`,
    dtype: "f32",
    limit: "copy",
    amount: arrays * rows * COLUMNS * 4,
    tolerance: 1e-4,
    ...(name === "softmax" && { peer: softmaxPeer(rows, at) }),
    open(device) {
      const x = inputTensor(device, 0, [rows, COLUMNS]);
      const { result, owned } = run(device, x);
      return opened([x, ...owned], result, (found) => {
        const places = somePlaces(found.length, 32);
        return errorAt(found, places, places.map(at));
      });
    },
  }));
}

function softmaxPeer(rows: number, at: (place: number) => number): NonNullable<BenchCase["peer"]> {
  const places = somePlaces(rows * COLUMNS, 32);
  return { op: "softmax", sizes: [rows, COLUMNS], places, expected: () => Float64Array.from(places, at) };
}

const x = (index: number) => inputValue(0, index);
const rowOf = (place: number) =>
  Array.from({ length: COLUMNS }, (_, c) => x(Math.floor(place / COLUMNS) * COLUMNS + c));

function ops(rows: number): Op[] {
  const picked = Uint32Array.from({ length: rows }, (_, row) => (row * 7919) % rows);
  return [
    {
      name: "add",
      arrays: 3,
      run: (device, input) => {
        const other = inputTensor(device, 1, input.shape);
        return { result: () => add(input, other), owned: [other] };
      },
      at: (place) => x(place) + inputValue(1, place),
    },
    {
      name: "silu gate",
      arrays: 3,
      run: (device, input) => {
        const other = inputTensor(device, 1, input.shape);
        return { result: () => siluGate(input, other), owned: [other] };
      },
      at: (place) => x(place) / (1 + Math.exp(-x(place))) * inputValue(1, place),
    },
    {
      name: "norm",
      arrays: 2,
      run: (device, input) => {
        const weight = inputTensor(device, 1, [COLUMNS]);
        return { result: () => rmsNorm(input, weight, 1e-5), owned: [weight] };
      },
      at: (place) => {
        const mean = rowOf(place).reduce((sum, value) => sum + value * value, 0) / COLUMNS;
        return x(place) / Math.sqrt(mean + 1e-5) * inputValue(1, place % COLUMNS);
      },
    },
    {
      name: "softmax",
      arrays: 2,
      run: (_device, input) => ({ result: () => softmax(input), owned: [] }),
      at: (place) => Math.exp(x(place)) / rowOf(place).reduce((sum, value) => sum + Math.exp(value), 0),
    },
    {
      name: "rope",
      arrays: 2,
      run: (device, input) => {
        const heads = COLUMNS / HEAD_SIZE;
        const split = input.reshape([1, rows, heads, HEAD_SIZE]);
        const cos = inputTensor(device, 1, [rows, HEAD_SIZE / 2]);
        const sin = inputTensor(device, 2, [rows, HEAD_SIZE / 2]);
        const positions = Array.from({ length: rows }, (_, row) => row);
        return { result: () => rotary(split, positions, { cos, sin }), owned: [split, cos, sin] };
      },
      at: (place) => {
        const half = HEAD_SIZE / 2;
        const channel = place % HEAD_SIZE;
        const turn = Math.floor(place / COLUMNS) * half + channel % half;
        const [low, high] = channel < half ? [x(place), x(place + half)] : [x(place - half), x(place)];
        const [cos, sin] = [inputValue(1, turn), inputValue(2, turn)];
        return channel < half ? low * cos - high * sin : high * cos + low * sin;
      },
    },
    {
      name: "gather",
      arrays: 2,
      run: (device, input) => {
        const indices = Tensor.from(device, picked, [rows]);
        return { result: () => gatherRows(input, indices), owned: [indices] };
      },
      at: (place) => x(picked[Math.floor(place / COLUMNS)] * COLUMNS + place % COLUMNS),
    },
    {
      name: "argmax",
      arrays: 1,
      run: (_device, input) => ({ result: () => argmax(input), owned: [] }),
      at: (row) => {
        const values = rowOf(row * COLUMNS);
        return values.indexOf(Math.max(...values));
      },
    },
  ];
}
