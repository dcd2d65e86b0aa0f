import { unrollLoops } from "./unroll.ts";
import { type KernelBinding, type KernelName, kernels, type KernelSource, parts } from "../../kernels/sources.ts";
import { FeatureMissingError } from "./errors.ts";
import type { ErrorScopes } from "./error_scopes.ts";
import { paramsBytes } from "./params.ts";

/** The variant of a kernel that a dispatch asks for. */
export interface KernelVariant {
  /** File name of the kernel without its ending. */
  kernel: KernelName;
  /** Element types put before the text as `alias NAME = TYPE;`. */
  types?: Readonly<Record<string, string>>;
  /** Integer constants put before the text as `const NAME = VALUEu;`: loop bounds and register tiles. */
  constants?: Readonly<Record<string, number>>;
  /** Values of the kernel's `override` constants: workgroup sizes and shared arrays. */
  overrides?: Readonly<Record<string, number>>;
  /** Parts put behind the kernel's own text, by name: one of several that it can do with, such as a way to read what is stored. */
  parts?: readonly string[];
  /** Text put behind the kernel's own, for kernels that call a function of the user's. */
  snippet?: string;
}

/** A compiled kernel. */
export interface Pipeline {
  /** The WebGPU pipeline. */
  readonly gpu: GPUComputePipeline;
  /** Its one bind group's layout. */
  readonly layout: GPUBindGroupLayout;
  /** The kernel's text and parsed bindings. */
  readonly source: KernelSource;
  /** Bytes of its parameter block. */
  readonly paramsBytes: number;
  /** Unique number, used to key bind groups. */
  readonly id: number;
}

/** What a layout says of each kind of binding. */
const RESOURCES: Readonly<Record<KernelBinding["kind"], Partial<GPUBindGroupLayoutEntry>>> = {
  uniform: { buffer: { type: "uniform", hasDynamicOffset: true } },
  read: { buffer: { type: "read-only-storage" } },
  write: { buffer: { type: "storage" } },
  image: { storageTexture: { access: "read-only", format: "rgba32float", viewDimension: "2d" } },
};

/**
 * Compiles kernels once per variant.
 *
 * @example
 * ```ts
 * import { ErrorScopes, findAdapter, PipelineCache } from "@reattention/toolkit/gpu";
 * import { assertEquals, assertStrictEquals } from "@std/assert";
 *
 * const gpu = await (await findAdapter()).requestDevice();
 * const pipelines = new PipelineCache(gpu, new ErrorScopes(gpu), false);
 * const pipeline = pipelines.get({ kernel: "raise" });
 * assertStrictEquals(pipelines.get({ kernel: "raise" }), pipeline); // compiled once
 * assertEquals(pipelines.size, 1);
 * gpu.destroy();
 * ```
 */
export class PipelineCache {
  readonly #gpu: GPUDevice;
  readonly #scopes: ErrorScopes;
  readonly #f16: boolean;
  readonly #pipelines = new Map<string, Pipeline>();
  readonly #layouts = new Map<KernelName, GPUBindGroupLayout>();

  /** `f16` tells whether kernels may use half floats. */
  constructor(gpu: GPUDevice, scopes: ErrorScopes, f16: boolean) {
    this.#gpu = gpu;
    this.#scopes = scopes;
    this.#f16 = f16;
  }

  /** Number of variants compiled so far. */
  get size(): number {
    return this.#pipelines.size;
  }

  /**
   * The pipeline of a variant, compiled at its first use.
   *
   * @throws {FeatureMissingError} where a type is f16 and the adapter has no working f16.
   */
  get(variant: KernelVariant): Pipeline {
    const key = variantKey(variant);
    let pipeline = this.#pipelines.get(key);
    if (!pipeline) this.#pipelines.set(key, pipeline = this.#compile(variant));
    return pipeline;
  }

  #compile(variant: KernelVariant): Pipeline {
    const source = kernels[variant.kernel];
    const prefix = this.#prefix(variant);
    const layout = this.#layout(variant.kernel, source);
    const label = variant.kernel;
    const gpu = this.#scopes.guard(
      `kernel ${label}`,
      () =>
        this.#gpu.createComputePipeline({
          label,
          layout: this.#gpu.createPipelineLayout({
            label,
            bindGroupLayouts: [layout],
          }),
          compute: {
            module: this.#gpu.createShaderModule({
              label,
              code: prefix +
                unrollLoops(source.text + partsOf(source, variant) + snippetOf(variant), variant.constants ?? {}),
            }),
            entryPoint: "main",
            constants: { ...variant.overrides },
          },
        }),
      prefix.split("\n").length - 1,
    );
    return { gpu, layout, source, paramsBytes: paramsBytes(source), id: this.#pipelines.size };
  }

  #prefix(variant: KernelVariant): string {
    const types = Object.entries(variant.types ?? {});
    const half = types.some(([, type]) => type.includes("f16"));
    if (half && !this.#f16) {
      throw new FeatureMissingError(
        `kernel ${variant.kernel}: this adapter has no working f16; use f32 storage instead`,
      );
    }
    const lines = half ? ["enable f16;"] : [];
    for (const [name, type] of types) lines.push(`alias ${name} = ${type};`);
    for (const [name, value] of Object.entries(variant.constants ?? {})) {
      lines.push(`const ${name} = ${value}u;`);
    }
    return lines.map((line) => line + "\n").join("");
  }

  #layout(kernel: KernelName, source: KernelSource): GPUBindGroupLayout {
    const known = this.#layouts.get(kernel);
    if (known) return known;
    const entries = source.bindings.map(({ binding, kind }): GPUBindGroupLayoutEntry => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      ...RESOURCES[kind],
    }));
    const layout = this.#scopes.guard(
      `kernel ${kernel}`,
      () => this.#gpu.createBindGroupLayout({ label: kernel, entries }),
    );
    this.#layouts.set(kernel, layout);
    return layout;
  }
}

/** What the kernel shares with others; behind its own text, so that errors name its own lines. */
function partsOf({ name, text }: KernelSource, { parts: chosen = [] }: KernelVariant): string {
  const always = [...text.matchAll(/^\/\/ uses parts\/(\w+)\.wgsl$/gm)].map(([, part]) => part);
  return [...always, ...chosen].map((part) => {
    if (Object.hasOwn(parts, part)) return `\n${parts[part]}`;
    throw new RangeError(`kernel ${name}: there is no kernels/parts/${part}.wgsl`);
  }).join("");
}

function snippetOf({ snippet }: KernelVariant): string {
  return snippet === undefined ? "" : `\n${snippet}\n`;
}

/** Told for each call, so it is put together without ceremony; no name or type holds the marks between them. */
function variantKey({ kernel, types, parts, constants, overrides, snippet }: KernelVariant): string {
  let key: string = kernel;
  for (const part of parts ?? []) key += `+${part}`;
  for (const name in types) key += `;${name}=${types[name]}`;
  for (const name in constants) key += `,${name}=${constants[name]}`;
  for (const name in overrides) key += `!${name}=${overrides[name]}`;
  return snippet === undefined ? key : `${key}\n${snippet}`;
}
