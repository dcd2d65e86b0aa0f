import { environmentVariable, fileExists, readText } from "../../platform.ts";

/** Where models come from, and who asks. */
export interface HubAccess {
  /** Address of the hub, without a slash at its end. */
  readonly hubUrl: string;
  /** Access token; undefined for public models. */
  readonly token?: string;
}

/** What a repository of the hub holds. */
export type RepositoryKind = "model" | "dataset";

/** How the hub is asked, where it isn't as the environment says. */
export interface HubAccessOptions {
  /** Address of the hub. Default: the variable HF_ENDPOINT, or https://huggingface.co. */
  hubUrl?: string;
  /** Access token. Default: the variable HF_TOKEN or HUGGING_FACE_HUB_TOKEN, or the file where the Python library keeps it. */
  token?: string;
}

/**
 * Whether a source names a repository of the hub, "organization/name", and not a path.
 *
 * @example
 * ```ts
 * import { isRepository } from "@reattention/toolkit/model";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(["org/name", "demo", "./org/name"].map(isRepository), [true, false, false]);
 * ```
 */
export function isRepository(source: string): boolean {
  return /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*$/.test(source) && !source.includes("..") && !source.endsWith(".git");
}

/**
 * Completes how the hub is asked from the usual variables.
 *
 * @throws {RangeError} for a token that can't be one (its value is not shown) or an address that is none.
 */
export async function hubAccess({ hubUrl, token }: HubAccessOptions): Promise<HubAccess> {
  const [name, found] = token !== undefined ? ["token", token] : await storedToken();
  if (found && !found.startsWith("hf_")) throw new RangeError(`${name}: an access token of the hub starts with "hf_"`);
  const address = hubUrl ?? (environmentVariable("HF_ENDPOINT") || "https://huggingface.co");
  if (!/^https?:\/\//.test(address) || !URL.canParse(address)) {
    throw new RangeError(`${hubUrl ? "hubUrl" : "HF_ENDPOINT"} "${address}" must be an http or https address`);
  }
  return { hubUrl: address.replace(/\/+$/, ""), ...(found && { token: found }) };
}

async function storedToken(): Promise<[name: string, token: string | undefined]> {
  for (const name of ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]) {
    const value = environmentVariable(name)?.trim();
    if (value) return [name, value];
  }
  const home = environmentVariable("HOME") ?? environmentVariable("USERPROFILE") ?? "";
  const cache = environmentVariable("XDG_CACHE_HOME") ?? `${home}/.cache`;
  const path = environmentVariable("HF_TOKEN_PATH") ??
    `${environmentVariable("HF_HOME") ?? `${cache}/huggingface`}/token`;
  if (!await fileExists(path).catch(() => false)) return [path, undefined];
  return [path, (await readText(path)).trim() || undefined];
}
