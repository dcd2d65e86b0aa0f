import { BindGroups } from "./bind_groups.ts";
import type { PooledBuffer } from "./buffers.ts";
import type { CommandLimits, Dispatch } from "./dispatch.ts";
import type { ErrorScopes } from "./error_scopes.ts";
import { ExpectedCalls, type KnownCall } from "./expected_calls.ts";
import { HostArena } from "./host_arena.ts";
import type { PooledImage } from "./images.ts";
import { Pacing } from "./pacing.ts";
import { packParams } from "./params.ts";
import type { PipelineCache } from "./pipelines.ts";
import type { Profiler } from "./profiler.ts";

/**
 * Budgets of work after which it is asked when all so far is done. Deno answers only once it is, and nothing is recorded
 * meanwhile.
 */
const WATCHED_BUDGETS = 2;

/** Time between two turns of the event loop, about. */
const YIELD_MILLISECONDS = 50;
/** Bytes of parameters and short writes that go with one submit. */
const HOST_BYTES = 192 * 1024;
/** Longest write that waits in the stream with the calls around it; a longer one is worth a submit of its own. */
const SHORT_WRITE = 4 * 1024;

/**
 * Records kernel calls into one encoder at a time and submits them in pieces of bounded work.
 *
 * Every kernel numbers its workgroups linearly from `params.first_group`, so a call larger than one submit
 * should hold, or than one grid dimension can, is cut here and nowhere else.
 *
 * @example
 * ```ts
 * import { Device } from "@reattention/toolkit/gpu";
 * import { Tensor } from "@reattention/toolkit/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * using device = await Device.open();
 * using x = Tensor.from(device, new Float32Array([1, 2]), [2]);
 * using y = Tensor.zeros(device, [2]);
 * device.commands.copy(x.buffer, 0, y.buffer, 4, 4); // recorded; a read submits it
 * assertEquals([...await y.read()], [0, 1]);
 * ```
 */
export class Commands {
  readonly #gpu: GPUDevice;
  readonly #scopes: ErrorScopes;
  readonly #pipelines: PipelineCache;
  readonly #profiler: Profiler;
  readonly #limits: CommandLimits;
  /** Kernel parameters and short writes: one buffer, since sending one costs as much as several calls. */
  readonly #host: HostArena;
  readonly #bindGroups: BindGroups;
  readonly #expected = new ExpectedCalls();
  /** What was learned about the adapter's speed. */
  readonly pacing: Pacing;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #work = 0;
  #recorded = 0;
  #kernels = new Set<string>();
  #inFlight: { done: Promise<unknown>; work: number }[] = [];
  #unwatched = 0;
  #submitted = 0;
  #yielded = 0;
  /** A typed array is read faster than a list of numbers. */
  readonly #dynamicOffset = new Uint32Array(1);
  readonly #waitsForGpu: boolean;

  /** One command stream per device. */
  constructor(
    gpu: GPUDevice,
    scopes: ErrorScopes,
    pipelines: PipelineCache,
    profiler: Profiler,
    limits: CommandLimits,
    software: boolean,
  ) {
    this.#gpu = gpu;
    this.#scopes = scopes;
    this.#pipelines = pipelines;
    this.#profiler = profiler;
    this.#limits = limits;
    this.pacing = new Pacing(software);
    this.#waitsForGpu = !software;
    const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_SRC;
    this.#host = new HostArena(gpu, "kernel parameters and short writes", HOST_BYTES, usage);
    this.#bindGroups = new BindGroups(gpu, scopes, this.#host.gpu, limits.bindingBytes);
  }

  /** Kernel calls recorded since the last submit. */
  get recorded(): number {
    return this.#recorded;
  }

  /** Number of calls so far that were not expected at their place: tests use it to show that decoding looks none up by name. */
  get unexpected(): number {
    return this.#expected.learned;
  }

  /** Tells that the calls that come now are most likely those since the last time: they are recorded faster then. */
  again(): void {
    this.#expected.restart();
  }

  /** The limits that this stream works within. */
  get limits(): CommandLimits {
    return this.#limits;
  }

  /**
   * Records a kernel call, in as many pieces as its size and work ask for.
   *
   * @throws {LimitExceededError} where a binding is larger than the adapter allows.
   */
  dispatch(call: Dispatch): void {
    this.#scopes.throwIfLost();
    if (call.groups === 0) return;
    const known = this.#known(call);
    if (call.indirect) {
      return this.#record(call, known, 0, call.groups, call.work);
    }
    const perGroup = call.work / call.groups;
    let first = 0;
    while (first < call.groups) {
      if (this.#work >= this.pacing.budget) this.flush();
      const left = Math.floor((this.pacing.budget - this.#work) / Math.max(perGroup, 1e-9));
      const room = Math.max(this.pacing.fewestGroups, left);
      const square = this.#limits.groupsPerDimension ** 2;
      const count = Math.min(call.groups - first, room, square);
      this.#record(call, known, first, count, perGroup * count);
      first += count;
    }
  }

  /** Records a copy between buffers; offsets and bytes are multiples of 4. */
  copy(source: PooledBuffer, sourceOffset: number, target: PooledBuffer, targetOffset: number, bytes: number): void {
    if (bytes === 0) return;
    this.#endPass();
    this.#open().copyBufferToBuffer(source.gpu, sourceOffset, target.gpu, targetOffset, bytes);
    this.#work += bytes / 4;
  }

  /**
   * Records a copy of `rows` rows of a buffer into an image's first rows. The offset is a multiple of 16 bytes, a row of
   * the image is `image.width` texels of 16 bytes, a multiple of 16 texels; `rest` texels more lie in the row behind.
   */
  copyToImage(source: PooledBuffer, offset: number, image: PooledImage, rows: number, rest = 0): void {
    if (rows + rest === 0) return;
    this.#endPass();
    const bytesPerRow = image.width * 16;
    const encoder = this.#open();
    if (rows) {
      const size = [image.width, rows];
      encoder.copyBufferToTexture({ buffer: source.gpu, offset, bytesPerRow }, { texture: image.gpu }, size);
    }
    if (rest) {
      const start = { buffer: source.gpu, offset: offset + rows * bytesPerRow };
      encoder.copyBufferToTexture(start, { texture: image.gpu, origin: [0, rows] }, [rest, 1]);
    }
    this.#work += rows * image.width * 4 + rest * 4;
  }

  /** Records filling with zeros; offset and bytes are multiples of 4. */
  clear(target: PooledBuffer, offset = 0, bytes: number = target.gpu.size - offset): void {
    if (bytes === 0) return;
    this.#endPass();
    this.#open().clearBuffer(target.gpu, offset, bytes);
    this.#work += bytes / 16;
  }

  /** Writes host data. What was recorded before still sees the old contents. */
  write(target: PooledBuffer, offset: number, data: ArrayBufferView<ArrayBuffer>): void {
    if (this.#writesLater(target, offset, data)) return;
    this.flush();
    this.#scopes.guard(`write to ${target.label}`, () => {
      const whole = data.byteLength - (data.byteLength % 4);
      if (whole) {
        this.#gpu.queue.writeBuffer(target.gpu, offset, data.buffer, data.byteOffset, whole);
      }
      if (whole === data.byteLength) return;
      const tail = new Uint8Array(4);
      tail.set(new Uint8Array(data.buffer, data.byteOffset + whole, data.byteLength - whole));
      this.#gpu.queue.writeBuffer(target.gpu, offset + whole, tail);
    });
  }

  /** Records with the raw encoder, outside any compute pass (read-back and the profiler use it). */
  encode(record: (encoder: GPUCommandEncoder) => void): void {
    this.#endPass();
    record(this.#open());
  }

  /** Submits what was recorded. On a software adapter this waits for the submit before it. */
  flush(): void {
    const encoder = this.#encoder;
    if (!encoder) return;
    this.#endPass();
    this.#profiler.resolve(encoder);
    this.#encoder = undefined;
    const before = performance.now();
    this.#scopes.guard(
      `submit of ${[...this.#kernels].join(", ") || "copies"}`,
      () => {
        this.#host.send(this.#gpu.queue);
        this.#gpu.queue.submit([encoder.finish()]);
      },
    );
    this.pacing.submitted(this.#work, before, performance.now());
    this.#unwatched += this.#work;
    this.#submitted += this.#work;
    if (this.#waitsForGpu && this.#unwatched > WATCHED_BUDGETS * this.pacing.budget) {
      this.#inFlight.push({ done: this.#gpu.queue.onSubmittedWorkDone(), work: this.#submitted });
      this.#unwatched = 0;
    }
    this.#work = 0;
    this.#recorded = 0;
    this.#kernels.clear();
  }

  /**
   * Lets timers, aborts and progress lines run, if the last time was 50 ms or more ago: a timer takes a millisecond at least. Call
   * it between layers or chunks.
   *
   * @throws the signal's reason once it is aborted.
   */
  async yield(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    // A discrete GPU would take work without end; waiting for the submit before the last keeps aborts prompt.
    if (this.#inFlight.length > 2) {
      const { done, work } = this.#inFlight.splice(0, this.#inFlight.length - 2).at(-1)!;
      const before = performance.now();
      await done;
      this.pacing.finished(work, before, performance.now());
    }
    if (performance.now() - this.#yielded < YIELD_MILLISECONDS) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 0));
    this.#yielded = performance.now();
    signal?.throwIfAborted();
  }

  /** Forgets bind groups, which keep buffers alive; pending commands are submitted first. */
  releaseBindGroups(): void {
    this.flush();
    this.#expected.clear();
    this.#bindGroups.clear();
  }

  /** Destroys the stream's own buffers. */
  dispose(): void {
    this.#host.dispose();
  }

  /** Records a short write as a copy from a buffer that is filled when all is submitted: submits cost more than they do. */
  #writesLater(target: PooledBuffer, offset: number, data: ArrayBufferView<ArrayBuffer>): boolean {
    const bytes = data.byteLength;
    if (bytes > SHORT_WRITE || bytes % 4 !== 0 || !this.#host.fits(bytes, 4)) return false;
    if (bytes === 0) return true;
    const place = this.#host.take(bytes, 4);
    new Uint8Array(this.#host.view.buffer, place).set(new Uint8Array(data.buffer, data.byteOffset, bytes));
    this.#endPass();
    this.#open().copyBufferToBuffer(this.#host.gpu, place, target.gpu, offset, bytes);
    return true;
  }

  #known(call: Dispatch): KnownCall {
    const { kernel, bindings } = call;
    const expected = this.#expected.find(call, bindings);
    if (!expected?.alwaysFits) this.#bindGroups.check(kernel, bindings);
    if (expected) return expected;
    const pipeline = this.#pipelines.get(call);
    const group = this.#bindGroups.get(pipeline, bindings);
    const known = { pipeline, group, alwaysFits: this.#bindGroups.alwaysFits(bindings) };
    this.#expected.learn(call, bindings, known);
    return known;
  }

  #record(call: Dispatch, { pipeline, group }: KnownCall, first: number, count: number, work: number): void {
    // Offsets of parameters are aligned; a short write before them was not.
    const alignment = this.#limits.offsetAlignment;
    if (!this.#host.fits(pipeline.paramsBytes, alignment) || this.#profiler.full) this.flush();
    const offset = this.#host.take(pipeline.paramsBytes, alignment);
    packParams(pipeline.source, call.params, { first, end: first + count }, this.#host.view, offset);
    this.#dynamicOffset[0] = offset;
    const pass = this.#beginPass(call.kernel);
    pass.setPipeline(pipeline.gpu);
    pass.setBindGroup(0, group, this.#dynamicOffset, 0, 1);
    this.#recorded++;
    if (call.indirect) {
      pass.dispatchWorkgroupsIndirect(call.indirect.buffer.gpu, call.indirect.offset);
    } else {
      const x = Math.min(count, this.#limits.groupsPerDimension);
      pass.dispatchWorkgroups(x, Math.ceil(count / x));
    }
    this.#kernels.add(call.kernel);
    this.#work += work;
    if (this.#profiler.apart) this.#endPass();
    if (this.#work >= this.pacing.budget) this.flush();
  }

  #open(): GPUCommandEncoder {
    return this.#encoder ??= this.#gpu.createCommandEncoder();
  }

  #beginPass(kernel: string): GPUComputePassEncoder {
    return this.#pass ??= this.#open().beginComputePass({
      label: kernel,
      timestampWrites: this.#profiler.enabled ? this.#profiler.begin(kernel) : undefined,
    });
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}
