/**
 * Keeps Linux graphics drivers from complaining on standard error that XDG_RUNTIME_DIR is not set. Call it before the
 * first adapter is asked for. The drivers only want an absolute path there; they write nothing to it.
 */
export function nameRuntimeFolder(): void {
  if (Deno.build.os !== "linux") return;
  if (Deno.env.get("XDG_RUNTIME_DIR")?.startsWith("/")) return;
  Deno.env.set("XDG_RUNTIME_DIR", Deno.cwd());
}
