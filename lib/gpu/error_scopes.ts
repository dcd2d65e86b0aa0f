import { DeviceLostError, GpuError, OutOfMemoryError, ValidationError } from "./errors.ts";

/**
 * Puts a validation and an out-of-memory error scope around every create and submit, and keeps what they
 * report until someone awaits anyway (a read-back): awaiting each scope would cost a poll apiece.
 *
 * @example
 * ```ts
 * import { DeviceLostError, ErrorScopes, findAdapter } from "@reattention/toolkit/gpu";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const gpu = await (await findAdapter()).requestDevice();
 * const scopes = new ErrorScopes(gpu);
 * const buffer = scopes.guard("buffer weights", () => gpu.createBuffer({ size: 16, usage: GPUBufferUsage.STORAGE }));
 * await scopes.settle(); // nothing was wrong
 * assertEquals(buffer.size, 16);
 * scopes.markLost("unplugged");
 * assertThrows(() => scopes.throwIfLost(), DeviceLostError, "unplugged");
 * gpu.destroy();
 * ```
 */
export class ErrorScopes {
  readonly #gpu: GPUDevice;
  #pending: Promise<void>[] = [];
  #found: GpuError[] = [];
  #lost: DeviceLostError | undefined;

  /** Starts listening for device loss and for errors that no scope caught. */
  constructor(gpu: GPUDevice) {
    this.#gpu = gpu;
    gpu.addEventListener("uncapturederror", (event) => {
      const error = (event as GPUUncapturedErrorEvent).error;
      this.#found.push(translate("outside any scope", error));
    });
    gpu.lost.then((info) => {
      this.#lost = new DeviceLostError(
        `device lost (${info.reason}): ${info.message || "no message"}`,
      );
    });
  }

  /** Runs `act` inside both scopes. `what` names the kernel or buffer in a later error; `prefixLines` are subtracted from shader lines. */
  guard<T>(what: string, act: () => T, prefixLines = 0): T {
    this.throwIfLost();
    this.#gpu.pushErrorScope("out-of-memory");
    this.#gpu.pushErrorScope("validation");
    try {
      return act();
    } finally {
      for (let scope = 0; scope < 2; scope++) {
        this.#pending.push(
          this.#gpu.popErrorScope().then((error) => {
            if (error) this.#found.push(translate(what, error, prefixLines));
          }, () => {
            // A lost device rejects the pop; the loss itself is reported by throwIfLost.
          }),
        );
      }
    }
  }

  /** Marks the device as lost, so that later use throws instead of doing nothing. */
  markLost(reason: string): void {
    this.#lost ??= new DeviceLostError(reason);
  }

  /**
   * Throws once the device is gone.
   *
   * @throws {DeviceLostError} then.
   */
  throwIfLost(): void {
    if (this.#lost) throw this.#lost;
  }

  /** Awaits every open scope and throws the first error found since the last call. */
  async settle(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    await Promise.all(pending);
    this.throwIfLost();
    const [first, ...others] = this.#found;
    this.#found = [];
    if (!first) return;
    if (others.length) {
      first.message += `\n(and ${others.length} more GPU errors after it)`;
    }
    throw first;
  }
}

function translate(what: string, error: GPUError, prefixLines = 0): GpuError {
  const message = error.message.trim();
  if (
    /out.of.memory|not enough memory/i.test(message) ||
    error.constructor.name === "GPUOutOfMemoryError"
  ) {
    return new OutOfMemoryError(
      `${what}: the driver is out of memory. ${message}`,
    );
  }
  const line = message.match(/wgsl:(\d+):(\d+)/);
  const place = line ? `, line ${Number(line[1]) - prefixLines} column ${line[2]} of its .wgsl file` : "";
  return new ValidationError(`${what}${place}: ${message}`);
}
