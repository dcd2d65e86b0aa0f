/** Bytes that the host gives to a submit, as multiples of 4: taken one after the other while calls are recorded, sent all at once before it. */
export class HostArena {
  /** Where the GPU finds them. */
  readonly gpu: GPUBuffer;
  /** What will be sent. */
  readonly view: DataView<ArrayBuffer>;
  #used = 0;

  /** An arena of `bytes` bytes; `usage` beside COPY_DST. */
  constructor(device: GPUDevice, label: string, bytes: number, usage: GPUBufferUsageFlags) {
    this.gpu = device.createBuffer({ label, size: bytes, usage: usage | GPUBufferUsage.COPY_DST });
    this.view = new DataView(new ArrayBuffer(bytes));
  }

  /** Whether so many bytes from a multiple of `alignment` on can still be taken before the next submit. */
  fits(bytes: number, alignment: number): boolean {
    return this.#next(alignment) + bytes <= this.view.byteLength;
  }

  /** Takes bytes that fit, from a multiple of `alignment` on. Returns the first byte's offset. */
  take(bytes: number, alignment: number): number {
    const offset = this.#next(alignment);
    this.#used = offset + bytes;
    return offset;
  }

  /** Sends what was taken, and starts anew. */
  send(queue: GPUQueue): void {
    const bytes = this.#used;
    if (bytes > 0) queue.writeBuffer(this.gpu, 0, this.view.buffer, 0, bytes);
    this.#used = 0;
  }

  #next(alignment: number): number {
    return Math.ceil(this.#used / alignment) * alignment;
  }

  /** Destroys the buffer. */
  dispose(): void {
    this.gpu.destroy();
  }
}
