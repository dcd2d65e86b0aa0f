import type { PooledBuffer } from "./buffers.ts";
import { LimitExceededError } from "./errors.ts";
import type { ErrorScopes } from "./error_scopes.ts";
import type { PooledImage } from "./images.ts";
import type { Pipeline } from "./pipelines.ts";

/** A buffer as a kernel sees it: all of it, or a window that fits one binding. */
export interface BufferBinding {
  /** The buffer. */
  buffer: PooledBuffer;
  /** First byte; a multiple of the adapter's offset alignment. Default 0. */
  offset?: number;
  /** Bytes that the kernel must see. Default: all that the owner asked for; more of the buffer may be visible. */
  bytes?: number;
}

/** What a kernel's binding refers to. */
export type Binding = BufferBinding | { readonly image: PooledImage };

/** Most bind groups kept; past it all are made anew as they are needed. */
const KEPT = 4096;

/**
 * Makes bind groups and keeps them for calls with the same kernel and buffers.
 *
 * @example
 * ```ts
 * import { BindGroups, ErrorScopes, findAdapter, LimitExceededError } from "@reattention/toolkit/gpu";
 * import { assertThrows } from "@std/assert";
 *
 * const gpu = await (await findAdapter()).requestDevice();
 * const uniforms = gpu.createBuffer({ size: 256, usage: GPUBufferUsage.UNIFORM });
 * const groups = new BindGroups(gpu, new ErrorScopes(gpu), uniforms, 1024);
 * const buffer = { gpu: uniforms, id: 1, bytes: 4096, label: "weights" };
 * assertThrows(() => groups.check("add", [{ buffer }]), LimitExceededError, "this adapter allows 1024");
 * groups.check("add", [{ buffer, offset: 256, bytes: 1024 }]); // a window of it is small enough
 * gpu.destroy();
 * ```
 */
export class BindGroups {
  readonly #gpu: GPUDevice;
  readonly #scopes: ErrorScopes;
  readonly #uniforms: GPUBuffer;
  readonly #largest: number;
  readonly #groups = new Map<string, GPUBindGroup>();

  /** `uniforms` holds all kernels' parameters; `largest` is the adapter's limit of one storage binding in bytes. */
  constructor(gpu: GPUDevice, scopes: ErrorScopes, uniforms: GPUBuffer, largest: number) {
    this.#gpu = gpu;
    this.#scopes = scopes;
    this.#uniforms = uniforms;
    this.#largest = largest;
  }

  /** Refuses a binding larger than the adapter allows. */
  check(kernel: string, bindings: readonly Binding[]): void {
    for (const binding of bindings) {
      if ("image" in binding) continue;
      const { buffer, offset = 0, bytes } = binding;
      const size = bindingBytes(buffer, offset, bytes);
      if (size <= this.#largest) continue;
      throw new LimitExceededError(
        `kernel ${kernel}: ${buffer.label} needs a binding of ${size} bytes; this adapter allows ${this.#largest}`,
      );
    }
  }

  /** Whether no owner of these buffers could ask for more of them than one binding holds. */
  alwaysFits(bindings: readonly Binding[]): boolean {
    return bindings.every((binding) => "image" in binding || binding.buffer.gpu.size <= this.#largest);
  }

  /** The bind group of a kernel's uniforms (its parameter block at a dynamic offset) and storage bindings. */
  get(pipeline: Pipeline, bindings: readonly Binding[]): GPUBindGroup {
    let key = `${pipeline.id}`;
    for (const binding of bindings) key += `/${keyOf(binding)}`;
    const known = this.#groups.get(key);
    if (known) return known;
    if (this.#groups.size >= KEPT) this.#groups.clear();
    const label = pipeline.source.name;
    const group = this.#scopes.guard(`bind group of ${label}`, () =>
      this.#gpu.createBindGroup({
        label,
        layout: pipeline.layout,
        entries: [
          { binding: 0, resource: { buffer: this.#uniforms, size: pipeline.paramsBytes } },
          ...bindings.map((binding, index) => ({ binding: index + 1, resource: resourceOf(binding, this.#largest) })),
        ],
      }));
    this.#groups.set(key, group);
    return group;
  }

  /** Forgets all bind groups, which keep buffers alive. */
  clear(): void {
    this.#groups.clear();
  }
}

function keyOf(binding: Binding): string {
  if ("image" in binding) return `i${binding.image.id}`;
  const { buffer, offset, bytes } = binding;
  return `${buffer.id},${offset ?? 0},${bytes ?? ""}`;
}

/** Without a size all of the buffer is bound, so that tensors which grow within it keep their bind group. */
function resourceOf(binding: Binding, largest: number): GPUBindingResource {
  if ("image" in binding) return binding.image.view;
  const { buffer, offset = 0, bytes } = binding;
  const size = bytes === undefined
    ? Math.min(buffer.gpu.size - offset, Math.floor(largest / 4) * 4)
    : bindingBytes(buffer, offset, bytes);
  return { buffer: buffer.gpu, offset, size };
}

/** Bindings are whole words; an odd number of f16 values ends in padding that the buffer has. */
function bindingBytes(buffer: PooledBuffer, offset: number, bytes?: number): number {
  return Math.max(4, Math.ceil((bytes ?? buffer.bytes - offset) / 4) * 4);
}
