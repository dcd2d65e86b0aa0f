import { fileExists, folderUrl, hasFiles } from "../platform.ts";
import { fetchModel, type HubOptions } from "./hub/fetch_model.ts";
import { hubAccess, isRepository } from "./hub/repository.ts";

/** Where a model's files are: the embedded one's folder, a folder or URL as given, or the hub's, fetched first. */
export async function modelFolder(source: string | URL, options: HubOptions = {}): Promise<URL> {
  if (source === "demo") return new URL("./demo/", import.meta.url);
  if (typeof source !== "string" || !isRepository(source)) return folderUrl(source);
  if (hasFiles()) return folderUrl(await fileExists(source) ? source : await fetchModel(source, options));
  // A browser has no cache folder: it reads from the hub as it goes.
  const { hubUrl } = await hubAccess(options);
  return folderUrl(`${hubUrl}/${source}/resolve/${encodeURIComponent(options.revision ?? "main")}`);
}
