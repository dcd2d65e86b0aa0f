import { SafetensorsFile } from "../lib/model/weights/safetensors.ts";

const folder = new URL("../../shared/goldens/attention/", import.meta.url);

/** One step of an attention golden (ALGORITHM section 10). */
export interface GoldenStep {
  kind: "first" | "prefill" | "decode";
  start: number;
  length: number;
  cacheLength: number;
  mode: "full" | "window" | "select";
  scope: number;
  middleLength?: number;
  windowLength?: number;
  candidates?: number;
  queries: Float32Array;
  keys: Float32Array;
  values: Float32Array;
  indices: Int32Array;
  positions: Int32Array;
  centers: Int32Array;
  votes: Int32Array;
  out: Float32Array;
}

/** An attention golden: one layer, several steps. */
export interface AttentionGolden {
  name: string;
  /** By the published implementation's names. */
  knobs: Record<string, unknown>;
  /** Tokens before the first decode step. */
  promptLength: number;
  steps: GoldenStep[];
}

interface StoredStep {
  kind: GoldenStep["kind"];
  start: number;
  length: number;
  cache_len: number;
  mode: GoldenStep["mode"];
  scope: number;
  mid_len?: number;
  local_len?: number;
  candidates?: number;
}

/** Names of all attention goldens. */
export function attentionGoldenNames(): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) => name.endsWith(".safetensors"))
    .map((name) => name.slice(0, -".safetensors".length)).sort();
}

/** Reads a whole attention golden. */
export async function readAttentionGolden(name: string): Promise<AttentionGolden> {
  const file = await SafetensorsFile.open(new URL(`${name}.safetensors`, folder));
  const about = JSON.parse(file.metadata.case) as { prompt_len: number; steps: StoredStep[] };
  const steps: GoldenStep[] = [];
  for (const [number, stored] of about.steps.entries()) {
    const floats = (tensor: string) => file.readFloats(`step${number}.${tensor}`);
    const integers = (tensor: string) => file.readInts(`step${number}.${tensor}`);
    const selected = stored.mode === "select";
    steps.push({
      kind: stored.kind,
      start: stored.start,
      length: stored.length,
      cacheLength: stored.cache_len,
      mode: stored.mode,
      scope: stored.scope,
      middleLength: stored.mid_len,
      windowLength: stored.local_len,
      candidates: stored.candidates,
      queries: await floats("q"),
      keys: await floats("k"),
      values: await floats("v"),
      indices: await integers("indices"),
      positions: await integers("positions"),
      centers: selected ? await integers("centers") : new Int32Array(0),
      votes: selected ? await integers("votes") : new Int32Array(0),
      out: await floats("out"),
    });
  }
  return { name, knobs: JSON.parse(file.metadata.knobs), promptLength: about.prompt_len, steps };
}
