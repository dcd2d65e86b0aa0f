import { ownDeno } from "../command/own_deno.ts";
import type { PeerWork } from "./bench_case.ts";
import { errorAt } from "./bench_case.ts";
import type { Contender, Sample } from "./clock.ts";

/** Other WebGPU libraries: their script, and the packages that it is given. They are no dependencies of this project. */
const LIBRARIES = [
  { name: "jax-js", script: "jax.js", packages: ["@jax-js/jax@0.1.25"] },
  {
    name: "TensorFlow.js",
    script: "tfjs.js",
    packages: ["@tensorflow/tfjs-core@4.22.0", "@tensorflow/tfjs-backend-webgpu@4.22.0"],
  },
  { name: "onnxruntime-web", script: "onnx.js", packages: ["onnxruntime-web@1.30.0/webgpu"] },
] as const;

/** Longest wait for an answer. */
const PATIENCE = 120_000;

interface Answer {
  values?: number[];
  milliseconds?: number;
  refused?: string;
  fault?: string;
}

/** Another library, in a process of its own; a fault ends it, and what it was asked after that is refused. */
export class Peer implements Contender, AsyncDisposable {
  /** Its name. */
  readonly implementation: string;
  readonly #process: Deno.ChildProcess;
  readonly #requests: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #answers: ReadableStreamDefaultReader<string>;
  #rest = "";
  #dead: string | undefined;

  /** Starts it; its packages are downloaded at the first use. */
  constructor({ name, script, packages }: (typeof LIBRARIES)[number]) {
    this.implementation = name;
    const path = new URL(`peers/${script}`, import.meta.url).pathname;
    const imports = packages.map((each) => `npm:${each}`);
    this.#process = new Deno.Command(ownDeno(), {
      args: ["run", "--allow-all", "--no-config", "--no-lock", "--quiet", path, ...imports],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#requests = this.#process.stdin.getWriter();
    this.#answers = this.#process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  /** Makes ready for a case: the error of its result, or why it can't. */
  async prepare({ op, sizes, places, expected }: PeerWork & { expected(): Float64Array }): Promise<number | string> {
    if (this.#dead) return this.#dead;
    const { values, refused, fault } = await this.#ask({ prepare: { op, sizes, places } });
    if (!values) return refused ?? fault ?? "no answer";
    const { milliseconds, fault: untimed } = await this.#ask({ runs: 1 });
    if (milliseconds === undefined) return untimed ?? "no time";
    return errorAt(values, places.map((_, index) => index), expected());
  }

  /** Times runs; waiting for the GPU is in it. */
  async sample(runs: number): Promise<Sample> {
    const { milliseconds, fault } = await this.#ask({ runs });
    if (milliseconds === undefined) throw new Error(`${this.implementation}: ${fault ?? this.#dead ?? "no answer"}`);
    return { wall: milliseconds, counts: "wall" };
  }

  /** Ends its process. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill();
    } catch {
      // It has ended already.
    }
    await this.#requests.close().catch(() => {});
    await this.#answers.cancel().catch(() => {});
    await this.#process.status;
  }

  async #ask(request: unknown): Promise<Answer> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer in ${PATIENCE / 1000} s`)), PATIENCE);
    });
    try {
      await this.#requests.write(new TextEncoder().encode(`${JSON.stringify(request)}\n`));
      return await Promise.race([this.#line(), late]);
    } catch (error) {
      this.#dead = (error as Error).message;
      return { fault: this.#dead };
    } finally {
      clearTimeout(timer);
    }
  }

  /** The next answer; libraries print lines of their own too. */
  async #line(): Promise<Answer> {
    for (;;) {
      const end = this.#rest.indexOf("\n");
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        if (line.startsWith("{")) return JSON.parse(line);
        continue;
      }
      const { value, done } = await this.#answers.read();
      if (done) throw new Error("it ended: its packages may not be reachable, or it can't run on this adapter");
      this.#rest += value;
    }
  }
}

/** Starts all peers. */
export function startPeers(): Peer[] {
  return LIBRARIES.map((library) => new Peer(library));
}
