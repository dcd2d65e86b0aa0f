import { makeHasher } from "../../../lib/platform.ts";

/** What goes wrong with a request for a file's contents. */
export interface Fault {
  /** Sends so many bytes and then breaks the connection. */
  breakAfter?: number;
  /** Answers with this status. */
  status?: number;
  /** Sends a byte that is not the file's. */
  damaged?: boolean;
  /** Sends the whole file, whatever part was asked for. */
  ignoresRange?: boolean;
}

/** A repository on the fake hub: file contents by name, and the commit that its branches stand for. */
export interface FakeRepository {
  files: Record<string, Uint8Array<ArrayBuffer>>;
  refs: Record<string, string>;
  /** Only who sends this token may see it. */
  token?: string;
}

export const COMMIT = "0123456789abcdef0123456789abcdef01234567";

async function digest(algorithm: "sha256" | "sha1", bytes: Uint8Array): Promise<string> {
  const hasher = await makeHasher(algorithm);
  if (algorithm === "sha1") hasher.update(new TextEncoder().encode(`blob ${bytes.length}\0`));
  hasher.update(bytes);
  return hasher.digest("hex");
}

/** A server that answers as the hub does, for one repository: model info, file lists in pages, contents by redirect. */
export class FakeHub {
  /** Requests so far, as "GET /path". */
  readonly requests: string[] = [];
  /** Bytes of contents sent so far. */
  sent = 0;
  /** What goes wrong with the next requests for a file's contents, by its name; the first is used up first. */
  readonly faults: Record<string, Fault[]> = {};
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(readonly name: string, readonly repository: FakeRepository) {
    this.#server = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {}, onError: () => new Response(null) },
      (
        request,
      ) => this.#answer(request),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }

  async #answer(request: Request): Promise<Response> {
    const { pathname, searchParams } = new URL(request.url);
    this.requests.push(`${request.method} ${pathname}`);
    const { token, refs } = this.repository;
    if (token && request.headers.get("authorization") !== `Bearer ${token}` && !pathname.startsWith("/cdn/")) {
      return Response.json({ error: "Invalid username or password." }, { status: 401 });
    }
    const [, revision] = pathname.match(`^/api/models/${this.name}/revision/([^/]+)$`) ?? [];
    if (revision) {
      const sha = refs[decodeURIComponent(revision)];
      if (!sha) return Response.json({ error: `Invalid rev id: ${revision}` }, { status: 404 });
      return Response.json({ _id: "1", id: this.name, sha, lastModified: "2026-01-01T00:00:00.000Z" });
    }
    if (pathname === `/api/models/${this.name}/tree/${COMMIT}`) {
      return await this.#list(searchParams.get("page") ?? "0");
    }
    const [, kind, file] = pathname.match(/^\/(.+)\/([^/]+)$/) ?? [];
    if (kind === `${this.name}/resolve/${COMMIT}`) return await this.#contents(request, file);
    if (kind === "cdn") return this.#send(request, file);
    return Response.json({ error: "Repository not found" }, { status: 404 });
  }

  /** Two files a page, as the real one has a thousand. */
  async #list(page: string): Promise<Response> {
    const names = Object.keys(this.repository.files);
    const first = 2 * Number(page);
    const entries = await Promise.all(
      names.slice(first, first + 2).map(async (path) => {
        const bytes = this.repository.files[path];
        const oid = await digest("sha1", bytes);
        const lfs = { oid: await digest("sha256", bytes), size: bytes.length, pointerSize: 134 };
        return { type: "file", path, size: bytes.length, oid, ...(isLarge(path) && { lfs, xetHash: "0".repeat(64) }) };
      }),
    );
    const next = `<${this.url}/api/models/${this.name}/tree/${COMMIT}?page=${Number(page) + 1}>; rel="next"`;
    return Response.json(entries, { headers: first + 2 < names.length ? { link: next } : {} });
  }

  /** Large files lie elsewhere. */
  async #contents(request: Request, file: string): Promise<Response> {
    const bytes = this.repository.files[file];
    if (!bytes) {
      return Response.json({ error: "Entry not found" }, { status: 404, headers: { "x-error-code": "EntryNotFound" } });
    }
    if (!isLarge(file)) return this.#send(request, file, await digest("sha1", bytes));
    const headers = { location: `${this.url}/cdn/${file}`, "x-linked-etag": `"${await digest("sha256", bytes)}"` };
    return new Response(null, { status: 302, headers });
  }

  #send(request: Request, file: string, etag = "cdn"): Response {
    const bytes = this.repository.files[file];
    const [, from, to] = request.headers.get("range")?.match(/^bytes=(\d+)-(\d*)$/) ?? [];
    const probes = from === "0" && to === "0";
    const fault = probes ? {} : this.faults[file]?.shift() ?? {};
    if (fault.status) return Response.json({ error: "as asked" }, { status: fault.status });
    const ranged = from !== undefined && !fault.ignoresRange;
    const start = ranged ? Number(from) : 0;
    const end = ranged && to ? Math.min(bytes.length, Number(to) + 1) : bytes.length;
    const part = bytes.slice(start, end);
    if (fault.damaged) part[part.length >> 1] ^= 1;
    const headers = {
      etag: `"${etag}"`,
      ...(ranged && { "content-range": `bytes ${start}-${end - 1}/${bytes.length}` }),
    };
    return new Response(this.#stream(part, fault.breakAfter), { status: ranged ? 206 : 200, headers });
  }

  #stream(part: Uint8Array<ArrayBuffer>, breakAfter = Infinity): ReadableStream<Uint8Array<ArrayBuffer>> {
    let done = 0;
    return new ReadableStream({
      pull: async (controller) => {
        if (done >= breakAfter) {
          // What was sent arrives before the connection breaks.
          await new Promise((resolve) => setTimeout(resolve, 50));
          return controller.error(new Error("broken on purpose"));
        }
        const piece = part.slice(done, Math.min(done + 65536, breakAfter));
        if (piece.length === 0) return controller.close();
        done += piece.length;
        this.sent += piece.length;
        controller.enqueue(piece);
      },
    });
  }
}

function isLarge(path: string): boolean {
  return path.endsWith(".safetensors");
}
