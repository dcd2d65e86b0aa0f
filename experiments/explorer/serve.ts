import { readBytes } from "../../lib/platform.ts";

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  json: "application/json",
};

/** A server that is running. */
export interface PageServer {
  /** The page's address. */
  readonly address: string;
  /** Ends it. */
  readonly close: () => Promise<void>;
}

/**
 * Serves the files of a page, and nothing else, to this machine only.
 *
 * @param folder the page's folder
 * @param files paths of its files, relative to the folder
 * @param port 0: any that is free
 * @throws {Error} where the port is taken.
 */
export function servePage(folder: string, files: readonly string[], port: number): PageServer {
  const known = new Set(files);
  const server = Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, async (request) => {
    const path = new URL(request.url).pathname.slice(1) || "index.html";
    if (!known.has(path)) return new Response("there is no such file\n", { status: 404 });
    const type = types[path.slice(path.lastIndexOf(".") + 1)] ?? "application/octet-stream";
    return new Response(await readBytes(`${folder}/${path}`), {
      headers: { "content-type": type, "cache-control": "no-cache", "x-content-type-options": "nosniff" },
    });
  });
  return { address: `http://localhost:${server.addr.port}/`, close: () => server.shutdown() };
}
