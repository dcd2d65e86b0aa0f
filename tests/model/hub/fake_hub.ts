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
  /** Default "model". */
  kind?: "model" | "dataset";
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

/** A server that answers as the hub does, for a repository or several: their info, file lists in pages, contents by redirect. */
export class FakeHub {
  /** Requests so far, as "GET /path". */
  readonly requests: string[] = [];
  /** Bytes of contents sent so far. */
  sent = 0;
  /** What goes wrong with the next requests for a file's contents, by its name; the first is used up first. */
  readonly faults: Record<string, Fault[]> = {};
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /** `more` are further repositories, by name. */
  constructor(
    readonly name: string,
    readonly repository: FakeRepository,
    readonly more: Readonly<Record<string, FakeRepository>> = {},
  ) {
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
    const [, place] = pathname.match(/^\/cdn\/(.+)$/) ?? [];
    if (place) return this.#send(request, ...this.#stored(place));
    for (const [name, repository] of Object.entries({ [this.name]: this.repository, ...this.more })) {
      const kind = `${repository.kind ?? "model"}s`;
      const api = after(pathname, `/api/${kind}/${name}/`);
      const file = after(pathname, `/${kind === "models" ? "" : "datasets/"}${name}/resolve/${COMMIT}/`);
      if (api === undefined && file === undefined) continue;
      if (repository.token && request.headers.get("authorization") !== `Bearer ${repository.token}`) break;
      if (file !== undefined) return await this.#contents(request, repository, name, decodeURIComponent(file));
      return await this.#describe(name, repository, api!, searchParams.get("page") ?? "0");
    }
    if (this.repository.token) return Response.json({ error: "Invalid username or password." }, { status: 401 });
    return Response.json({ error: "Repository not found" }, { status: 404 });
  }

  async #describe(name: string, repository: FakeRepository, asked: string, page: string): Promise<Response> {
    const revision = after(asked, "revision/");
    if (revision !== undefined) {
      const sha = repository.refs[decodeURIComponent(revision)];
      if (!sha) return Response.json({ error: `Invalid rev id: ${revision}` }, { status: 404 });
      return Response.json({ _id: "1", id: name, sha, lastModified: "2026-01-01T00:00:00.000Z" });
    }
    if (asked === `tree/${COMMIT}`) return await this.#list(name, repository, page);
    return Response.json({ error: "Repository not found" }, { status: 404 });
  }

  /** Two files a page, as the real one has a thousand. */
  async #list(name: string, repository: FakeRepository, page: string): Promise<Response> {
    const names = Object.keys(repository.files);
    const first = 2 * Number(page);
    const entries = await Promise.all(
      names.slice(first, first + 2).map(async (path) => {
        const bytes = repository.files[path];
        const oid = await digest("sha1", bytes);
        const lfs = { oid: await digest("sha256", bytes), size: bytes.length, pointerSize: 134 };
        return { type: "file", path, size: bytes.length, oid, ...(isLarge(path) && { lfs, xetHash: "0".repeat(64) }) };
      }),
    );
    const kind = `${repository.kind ?? "model"}s`;
    const next = `<${this.url}/api/${kind}/${name}/tree/${COMMIT}?page=${Number(page) + 1}>; rel="next"`;
    return Response.json(entries, { headers: first + 2 < names.length ? { link: next } : {} });
  }

  /** Large files lie elsewhere. */
  async #contents(request: Request, repository: FakeRepository, name: string, file: string): Promise<Response> {
    const bytes = repository.files[file];
    if (!bytes) {
      return Response.json({ error: "Entry not found" }, { status: 404, headers: { "x-error-code": "EntryNotFound" } });
    }
    if (!isLarge(file)) return this.#send(request, repository, file, await digest("sha1", bytes));
    const location = `${this.url}/cdn/${name}/${file}`;
    return new Response(null, {
      status: 302,
      headers: { location, "x-linked-etag": `"${await digest("sha256", bytes)}"` },
    });
  }

  /** The repository and file of a place that a redirect named. */
  #stored(place: string): [FakeRepository, string] {
    const known = Object.entries({ [this.name]: this.repository, ...this.more });
    const [name, repository] = known.find(([name]) => place.startsWith(`${name}/`))!;
    return [repository, place.slice(name.length + 1)];
  }

  #send(request: Request, repository: FakeRepository, file: string, etag = "cdn"): Response {
    const bytes = repository.files[file];
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

/** What comes after a prefix; undefined where it isn't there. */
function after(text: string, prefix: string): string | undefined {
  return text.startsWith(prefix) ? text.slice(prefix.length) : undefined;
}

function isLarge(path: string): boolean {
  return /\.(safetensors|zip|parquet)$/.test(path);
}
