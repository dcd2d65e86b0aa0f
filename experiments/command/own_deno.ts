/** How this Deno is started once more: by its path, or by its name where that is all that may be run. */
export function ownDeno(): string {
  const path = Deno.execPath();
  return Deno.permissions.querySync({ name: "run", command: path }).state === "granted" ? path : "deno";
}
