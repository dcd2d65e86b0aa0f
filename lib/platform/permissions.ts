// What this run of Deno may do. Asking never opens a prompt; trying does, in a terminal.

import type { PermissionAsked } from "./deno_like.ts";
import { deno } from "./runtime.ts";

/** Whether something is permitted already; false in a browser. */
export function isPermitted(asked: PermissionAsked): boolean {
  return deno?.permissions.querySync(asked).state === "granted";
}
