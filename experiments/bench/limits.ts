import type { Device } from "../../lib/gpu/mod.ts";
import { Tensor } from "../../lib/tensor/mod.ts";
import { type Contender, RecordedWork, timeInTurns, type TimingOptions } from "./clock.ts";
import type { LimitsRow } from "./row.ts";

/** What the adapter can do at best, measured in this run. */
export interface Limits {
  /** Floating-point operations a second, a multiply-add counted as two. */
  readonly flops: number;
  /** Bytes read and written a second. */
  readonly bytesPerSecond: number;
  /** The row that says so. */
  readonly row: LimitsRow;
}

const REPEATS = 5;
/** Probes that are timed in full, and how long a sample of all others takes. */
const FINALISTS = 3;
const SHORT_MILLISECONDS = 50;
const CHAINS = [["f32", 8], ["f32", 12], ["f32", 16], ["vec4<f32>", 2], ["vec4<f32>", 3], ["vec4<f32>", 8]] as const;
const WORKGROUPS = [8, 64, 256] as const;
const ROUNDS = 8;

/** Measures the limits: several probes of each kind, of which the fastest counts. */
export async function measureLimits(device: Device): Promise<Limits> {
  const arithmetic = await fastest(multiplyAddProbes(device));
  using source = Tensor.zeros(device, [copyBytes(device) / 4], "u32");
  using target = Tensor.empty(device, source.shape, "u32");
  const copying = await fastest(copyProbes(device, source, target));
  const reading = await fastest(readProbes(device, source, target));
  const flops = arithmetic.amount / arithmetic.milliseconds * 1000;
  const bytesPerSecond = copying.amount / copying.milliseconds * 1000;
  return {
    flops,
    bytesPerSecond,
    row: {
      group: "limits",
      shape: "",
      dtype: "f32",
      implementation: "ours",
      milliseconds: arithmetic.milliseconds,
      spread: arithmetic.spread,
      shareOfLimit: 1,
      multiplyAddsFlops: flops,
      copyBytesPerSecond: bytesPerSecond,
      readBytesPerSecond: reading.amount / reading.milliseconds * 1000,
      probes: { "multiply-add": arithmetic.name, copy: copying.name, read: reading.name },
    },
  };
}

/** Bytes that the adapter reads a second at best: what decode steps are held against. */
export async function measureReading(device: Device): Promise<number> {
  using source = Tensor.zeros(device, [copyBytes(device) / 4], "u32");
  using target = Tensor.empty(device, source.shape, "u32");
  const reading = await fastest(readProbes(device, source, target), 2);
  return reading.amount / reading.milliseconds * 1000;
}

interface Probe {
  name: string;
  /** Operations or bytes of a run. */
  amount: number;
  contender: Contender;
}

/** A copy far past every cache, as far as a binding allows. */
function copyBytes(device: Device): number {
  return Math.min(device.info.bindingBytes, device.info.software ? 2 ** 26 : 2 ** 30);
}

function multiplyAddProbes(device: Device): Probe[] {
  const threads = device.info.software ? 2 ** 14 : 2 ** 20;
  return CHAINS.flatMap(([type, chains]) =>
    WORKGROUPS.map((workgroup): Probe => {
      const perStep = ROUNDS * chains * (type === "f32" ? 1 : 4);
      const steps = Math.ceil(32768 / perStep);
      const record = () => {
        const output = Tensor.empty(device, [threads]);
        device.commands.dispatch({
          kernel: "fma_probe",
          types: { Value: type },
          constants: { CHAINS: chains, STEPS: steps, ROUNDS },
          overrides: { WORKGROUP: workgroup },
          params: { seed: 1e-9 },
          bindings: [{ buffer: output.buffer }],
          groups: threads / workgroup,
          work: threads * steps * perStep / 8,
        });
        return output;
      };
      return {
        name: `${chains} chains of ${type}, ${workgroup} threads`,
        amount: 2 * threads * steps * perStep,
        contender: new RecordedWork(device, record),
      };
    })
  );
}

function copyProbes(device: Device, source: Tensor, target: Tensor): Probe[] {
  const amount = 2 * source.bytes;
  const queue: Probe = {
    name: "copyBufferToBuffer",
    amount,
    contender: new RecordedWork(
      device,
      () => device.commands.copy(source.buffer, 0, target.buffer, 0, source.bytes),
    ),
  };
  const kernels = streamProbes(device, "copy_probe", [1, 2, 4, 8], source, target);
  return [...kernels.map((probe) => ({ ...probe, name: `kernel, ${probe.name}`, amount })), queue];
}

/** Reading alone: what decoding does with weights and keys. */
function readProbes(device: Device, source: Tensor, target: Tensor): Probe[] {
  return streamProbes(device, "read_probe", [2, 4, 8, 16], source, target);
}

/** A kernel that goes once over the source, by several widths; the amount is the source's bytes. */
function streamProbes(
  device: Device,
  kernel: "copy_probe" | "read_probe",
  widths: readonly number[],
  source: Tensor,
  target: Tensor,
): Probe[] {
  return widths.flatMap((width) =>
    [64, 256].map((workgroup): Probe => ({
      name: `${width} vec4 a thread, ${workgroup} threads`,
      amount: source.bytes,
      contender: new RecordedWork(device, () =>
        device.commands.dispatch({
          kernel,
          constants: { WIDTH: width },
          overrides: { WORKGROUP: workgroup },
          params: { count: source.bytes / 16 },
          bindings: [{ buffer: source.buffer }, { buffer: target.buffer }],
          groups: Math.ceil(source.bytes / 16 / width / workgroup),
          work: source.bytes / 4,
        })),
    }))
  );
}

/** Times all probes shortly, and those that came out first as long as cases are timed. */
async function fastest(probes: readonly Probe[], repeats = REPEATS) {
  const short = await rated(probes, { repeats: 1, sampleMilliseconds: SHORT_MILLISECONDS });
  const first = short.sort((a, b) => b.rate - a.rate).slice(0, FINALISTS).map(({ probe }) => probe);
  const [{ probe: { name, amount }, timing }] = (await rated(first, { repeats })).sort((a, b) => b.rate - a.rate);
  return { name, amount, ...timing };
}

async function rated(probes: readonly Probe[], options: TimingOptions) {
  const timings = await timeInTurns(probes.map(({ contender }) => contender), options);
  return timings.map((timing, index) => {
    const probe = probes[index];
    return { probe, timing, rate: probe.amount / timing.milliseconds };
  });
}
