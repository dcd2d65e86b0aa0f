// Paths and URLs of folders and of the files in them: plain string work, no file is touched.

/**
 * The address of a file inside a folder: a path for a path, a URL for a URL.
 *
 * @param folder a local path or a URL, with or without a slash at its end; a URL's search part stays
 * @param name the file's name inside the folder
 */
export function fileInside(folder: string | URL, name: string): string | URL {
  if (typeof folder === "string" && !/^(https?|file):/i.test(folder)) {
    return folder === "" ? name : `${folder.replace(/\/+$/, "")}/${name}`;
  }
  const url = new URL(folder);
  url.pathname = `${url.pathname.replace(/\/+$/, "")}/${encodeURIComponent(name)}`;
  return url;
}

/** A folder's URL with a slash at its end, so that names resolve inside it; `here` is the URL that paths are relative to. */
export function folderUrlFrom(folder: string | URL, here: URL): URL {
  // One letter and a colon is a Windows drive, two and more are a URL's scheme.
  const isUrl = folder instanceof URL || /^[a-z][a-z0-9+.-]+:/i.test(folder);
  const url = isUrl ? new URL(folder) : new URL(pathToUrl(folder), here);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** A local path as the text of a URL: what means something in a URL but not in a path is escaped. */
function pathToUrl(path: string): string {
  const slashes = /^[a-z]:[/\\]|^\\/i.test(path) ? path.replaceAll("\\", "/") : path;
  const escaped = slashes.replace(/[%#?\\]/g, (letter) => encodeURIComponent(letter));
  if (/^[a-z]:\//i.test(escaped)) return `file:///${escaped}`;
  // A colon in a relative path's first part would read as a scheme.
  return escaped.startsWith("/") ? `file://${escaped}` : `./${escaped}`;
}

/** A local folder's path as a URL that paths can be resolved against. */
export function workingFolderUrl(path: string): URL {
  return folderUrlFrom(path, new URL("file:///"));
}
