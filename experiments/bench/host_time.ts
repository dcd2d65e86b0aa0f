import type { Device } from "../../lib/gpu/mod.ts";
import { Decoder, Stepper } from "../../lib/model/mod.ts";

/**
 * How long the host is busy with decoding: recording steps and logits, and submitting. Waits don't count: neither those between
 * layers nor those for tokens, which a GPU goes on under. It listens until it is disposed.
 */
export class HostTime implements Disposable {
  /** Busy so far. */
  milliseconds = 0;
  readonly #restore: (() => void)[] = [];
  #depth = 0;

  /** Listens to all models on a device. */
  constructor({ commands }: Device) {
    this.#count(Stepper.prototype, "step", 1);
    this.#count(Decoder.prototype, "logits", 1);
    this.#count(commands, "flush", 1);
    this.#count(commands, "yield", -1);
  }

  /** Adds the time of a method's calls, but of those within another that counts already; or takes its waits off. */
  #count<Name extends string>(
    owner: { [name in Name]: (...args: never[]) => unknown },
    name: Name,
    sign: 1 | -1,
  ): void {
    const own = Object.hasOwn(owner, name);
    const act = owner[name];
    // deno-lint-ignore no-this-alias
    const time = this;
    const counted = function (this: unknown, ...args: never[]): unknown {
      const start = performance.now();
      const outermost = sign < 0 || time.#depth === 0;
      if (sign > 0) time.#depth++;
      const end = () => {
        if (sign > 0) time.#depth--;
        if (outermost) time.milliseconds += sign * (performance.now() - start);
      };
      const result = act.apply(this, args);
      if (result instanceof Promise) return result.finally(end);
      end();
      return result;
    };
    Object.assign(owner, { [name]: counted });
    this.#restore.push(() => own ? Object.assign(owner, { [name]: act }) : Reflect.deleteProperty(owner, name));
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    for (const restore of this.#restore) restore();
  }
}
