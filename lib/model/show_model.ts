import { type DisplayBundle, valueBundle } from "../notebook/mod.ts";
import type { ModelConfig } from "./config/config.ts";
import { planWeights } from "./weights/weight_plan.ts";

/** Bytes in use by what they are for; a device's ledger has them. */
interface MemoryFigures {
  figures(): readonly { readonly label: string; readonly liveBytes: number; readonly peakBytes: number }[];
}

/** Numbers that a model of this config has, tied embeddings counted once. */
export function parameterCount(config: ModelConfig): number {
  const sizes = new Map<string, number>();
  const visit = (node: unknown): void => {
    if (typeof node !== "object" || node === null) return;
    if ("tensor" in node && "shape" in node) {
      const { tensor, shape } = node as { tensor: string; shape: readonly number[] };
      sizes.set(tensor, shape.reduce((product, size) => product * size, 1));
    } else Object.values(node).forEach(visit);
  };
  visit(planWeights(config));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** A model as a notebook shows it: sizes, parameters, and the device's memory by what it is for. */
export function showModel(config: ModelConfig, memory: MemoryFigures): DisplayBundle {
  const parameters = parameterCount(config);
  const heads = `${config.queryHeads} query, ${config.keyValueHeads} key and value, ${config.headSize} channels each`;
  const live = memory.figures().filter(({ liveBytes }) => liveBytes > 0)
    .sort((a, b) => b.liveBytes - a.liveBytes).slice(0, 6);
  return valueBundle({
    title: `${config.family} model, ${grouped(parameters)} parameters`,
    rows: [
      ["layers", String(config.layers)],
      ["heads", heads],
      ["hidden size", grouped(config.hiddenSize)],
      ["vocabulary", grouped(config.vocabularySize)],
      ["trained context", `${grouped(config.trainedContext)} tokens`],
      ["rotary base", String(config.rope.base)],
      ...live.map(({ label, liveBytes }) => [`memory: ${label}`, mebibytes(liveBytes)]),
    ],
    note: "memory of the device, by what it is for",
  });
}

function grouped(number: number): string {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
