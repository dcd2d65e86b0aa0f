import { PlatformError } from "../../platform.ts";
import { ModelFileError } from "../model_file_error.ts";
import { INDEX, SINGLE } from "../weights/safetensors.ts";
import type { HubAccess, RepositoryKind } from "./repository.ts";

/** A file of a repository, as the hub describes it. */
export interface HubFile {
  /** Its name. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Name of its contents in the cache: what the hub sends as ETag. */
  readonly etag: string;
  /** How its contents are checked: large files by their own digest, small ones as git does, with a line before them. */
  readonly digest: { readonly algorithm: "sha256" | "sha1"; readonly hex: string };
}

/** Files that are wanted besides weights, where a repository has them. */
const SMALL = [
  "config.json",
  "generation_config.json",
  "tokenizer.json",
  "tokenizer_config.json",
  "special_tokens_map.json",
  "chat_template.jinja",
  "chat_template.json",
];

/** The commit that a branch, a tag or a commit's own name stands for. */
export async function resolveCommit(
  repository: string,
  revision: string,
  access: HubAccess,
  kind: RepositoryKind = "model",
): Promise<string> {
  const { modelInfo, datasetInfo } = await import("@huggingface/hub");
  const options = { name: repository, revision, hubUrl: access.hubUrl, accessToken: access.token };
  const ask = async (): Promise<{ sha?: unknown }> => {
    if (kind === "model") return await modelInfo({ ...options, additionalFields: ["sha"] });
    return await datasetInfo({ ...options, additionalFields: ["sha"] });
  };
  const { sha } = await told(repository, revision, ask);
  if (typeof sha === "string" && /^[0-9a-f]{40}$/.test(sha)) return sha;
  throw new PlatformError(`${repository}: the hub's answer names no commit for revision "${revision}"`);
}

/** All files of a commit, by name: of a model those at the repository's top, of a data set those in folders too. */
export async function listHubFiles(
  repository: string,
  commit: string,
  access: HubAccess,
  kind: RepositoryKind = "model",
): Promise<ReadonlyMap<string, HubFile>> {
  const { listFiles } = await import("@huggingface/hub");
  const repo = { type: kind, name: repository };
  const recursive = kind === "dataset";
  const options = { repo, recursive, revision: commit, hubUrl: access.hubUrl, accessToken: access.token };
  return await told(repository, commit, async () => {
    const files = new Map<string, HubFile>();
    for await (const { type, path, size, oid, lfs } of listFiles(options)) {
      const hex = lfs?.oid ?? oid;
      if (type !== "file" || hex === undefined || (!recursive && path.includes("/"))) continue;
      files.set(path, { path, size, etag: hex, digest: { algorithm: lfs ? "sha256" : "sha1", hex } });
    }
    return files;
  });
}

/**
 * The files that loading needs and that can be known before any is read: configuration, tokenizer, and the weights or
 * their index.
 *
 * @throws {ModelFileError} for a repository without config.json or without safetensors weights.
 */
export function firstFiles(repository: string, files: ReadonlyMap<string, HubFile>): HubFile[] {
  if (!files.has("config.json")) throw new ModelFileError(`${repository}: has no config.json: is it a model?`);
  const weights = files.get(SINGLE) ?? files.get(INDEX);
  if (!weights) {
    const others = [...files.keys()].filter((path) => /\.(bin|pt|pth|gguf|onnx|h5|msgpack|safetensors)$/.test(path));
    throw new ModelFileError(
      `${repository}: has neither ${SINGLE} nor ${INDEX}` +
        (others.length ? `; it has ${others.slice(0, 5).join(", ")}` : ""),
    );
  }
  return [...SMALL.flatMap((path) => files.get(path) ?? []), weights];
}

/** Runs a request and says what a refusal means. */
export async function told<T>(repository: string, revision: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const status = (error as { statusCode?: number }).statusCode;
    if (status === undefined) throw error;
    throw new HubRefusal(`${repository}: ${meaning(status, revision)}`, status, { cause: error });
  }
}

/**
 * The hub answered, and said no.
 *
 * @example A model that may not be seen
 * ```ts
 * import { fetchModel, HubRefusal } from "@reattention/toolkit/model";
 * import { assertEquals, assertRejects } from "@std/assert";
 *
 * const options = { port: 0, hostname: "127.0.0.1", onListen: () => {} };
 * await using hub = Deno.serve(options, () => Response.json({ error: "no" }, { status: 403 }));
 * const cacheFolder = await Deno.makeTempDir();
 * const fetching = () => fetchModel("org/name", { hubUrl: `http://127.0.0.1:${hub.addr.port}`, cacheFolder });
 * assertEquals((await assertRejects(fetching, HubRefusal)).status, 403);
 * await Deno.remove(cacheFolder, { recursive: true });
 * ```
 */
export class HubRefusal extends PlatformError {
  /** The class's own name, as shown in stack traces. */
  override name = "HubRefusal";
  /** The answer's HTTP status. */
  readonly status: number;

  /** `status` is the answer's. */
  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

function meaning(status: number, revision: string): string {
  switch (status) {
    case 401:
      return "the hub answered 401: there is no such model, or it needs a token: set HF_TOKEN to one that may read it";
    case 403:
      return "the hub answered 403: this token may not read it; accept the model's terms on its page, or use another token";
    case 404:
      return `the hub answered 404: there is no such model, or it has no revision "${revision}"`;
    case 429:
      return "the hub answered 429: too many requests; wait a while, or set HF_TOKEN";
    default:
      return `the hub answered ${status}`;
  }
}
