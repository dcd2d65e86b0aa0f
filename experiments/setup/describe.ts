import { describeAdapter } from "../../lib/gpu/adapter.ts";

/** An adapter's name and what matters of it to the toolkit, a line each. */
export function adapterReport(adapter: GPUAdapter): string {
  const { name, vendor, software, f16, timestamps } = describeAdapter(adapter);
  const { limits } = adapter;
  const rows: [string, string][] = [
    ["vendor", vendor || "not told"],
    ["kind", software ? "software: a program on the processor" : "hardware"],
    ["f16 in kernels", f16 ? "announced (used only after a numeric probe)" : "no"],
    ["GPU timestamps", yesOrNo(timestamps)],
    ["largest buffer", bytes(limits.maxBufferSize)],
    ["largest storage binding", bytes(limits.maxStorageBufferBindingSize)],
    ["storage bindings a kernel", String(limits.maxStorageBuffersPerShaderStage)],
    ["threads a workgroup", String(limits.maxComputeInvocationsPerWorkgroup)],
    ["workgroup memory", bytes(limits.maxComputeWorkgroupStorageSize)],
    ["workgroups a dimension", String(limits.maxComputeWorkgroupsPerDimension)],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return [`WebGPU adapter: ${name}`, ...rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`)].join("\n");
}

/** The same in one line. */
export function adapterLine(adapter: GPUAdapter): string {
  const { name, software, f16, timestamps } = describeAdapter(adapter);
  const kind = software ? "software" : "hardware";
  return `WebGPU adapter: ${name}, ${kind}, f16 ${yesOrNo(f16)}, timestamps ${yesOrNo(timestamps)}`;
}

function yesOrNo(has: boolean): string {
  return has ? "yes" : "no";
}

function bytes(count: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit++;
  }
  return `${Number(count.toFixed(1))} ${units[unit]}`;
}
