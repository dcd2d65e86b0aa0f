import type { DenoLike } from "./deno_like.ts";
import { PlatformError } from "./error.ts";

/** The runtime, where it is Deno. */
export const deno: DenoLike | undefined = (globalThis as { Deno?: DenoLike }).Deno;

/** The runtime. @throws {PlatformError} where it is another; `what` names what was wanted of it. */
export function needDeno(what: string): DenoLike {
  if (deno) return deno;
  throw new PlatformError(`${what} needs Deno, which this platform is not`);
}
