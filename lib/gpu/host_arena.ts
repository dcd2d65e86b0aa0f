/** Bytes that the host gives to a submit: taken one after the other while calls are recorded, sent all at once before it. */
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

  /** Whether so many bytes can still be taken before the next submit. */
  fits(bytes: number): boolean {
    return this.#used + bytes <= this.view.byteLength;
  }

  /** Takes bytes that fit; what comes next starts at a multiple of `alignment`. Returns the first byte's offset. */
  take(bytes: number, alignment: number): number {
    const offset = this.#used;
    this.#used = Math.ceil((offset + bytes) / alignment) * alignment;
    return offset;
  }

  /** Sends what was taken, and starts anew. */
  send(queue: GPUQueue): void {
    const bytes = Math.min(this.#used, this.view.byteLength);
    if (bytes > 0) queue.writeBuffer(this.gpu, 0, this.view.buffer, 0, bytes);
    this.#used = 0;
  }

  /** Destroys the buffer. */
  dispose(): void {
    this.gpu.destroy();
  }
}
