import { isRepository } from "../../lib/model/mod.ts";
import { fileExists } from "../../lib/platform.ts";

/**
 * Gives up the permission to reach the hub, unless one of these models or data sets lies there: what a task of deno.json may
 * reach, it reaches only where it was asked to. A person who allows the whole network has said so, and keeps it.
 *
 * @param sources as the command was given them: "demo", folders, addresses, "organization/name", or "hub" for a data set of it
 */
export async function reachOnly(sources: readonly string[]): Promise<void> {
  for (const source of sources) {
    if (source === "hub" || /^https?:/.test(source)) return;
    if (isRepository(source) && !await fileExists(source)) return;
  }
  const { state } = await Deno.permissions.query({ name: "net" });
  if (state !== "granted") await Deno.permissions.revoke({ name: "net" });
}
