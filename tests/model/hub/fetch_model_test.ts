import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import {
  encodeSafetensors,
  fetchModel,
  HubRefusal,
  loadModel,
  ModelFileError,
  PlatformError,
} from "../../../lib/model/mod.ts";
import { makeHasher } from "../../../lib/platform.ts";
import { gpuTest } from "../../gpu_test_device.ts";
import { COMMIT, FakeHub, type FakeRepository } from "./fake_hub.ts";

const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const read = async (name: string) => await Deno.readFile(new URL(`../../../lib/model/demo/${name}`, import.meta.url));
const NAME = "someone/small-model";

function weights(bytes: number): Uint8Array<ArrayBuffer> {
  const data = Float32Array.from({ length: bytes / 4 }, (_, i) => i);
  return encodeSafetensors({ w: { dtype: "F32", shape: [data.length], data } });
}

function sharded(): FakeRepository {
  const map = { a: "model-00001-of-00002.safetensors", b: "model-00002-of-00002.safetensors" };
  return {
    refs: { main: COMMIT, [COMMIT]: COMMIT, "v1.0": COMMIT },
    files: {
      "README.md": new TextEncoder().encode("# a model"),
      "config.json": text({ model_type: "llama" }),
      "tokenizer.json": text({}),
      "pytorch_model.bin": new Uint8Array(100),
      "model.safetensors.index.json": text({ weight_map: map }),
      [map.a]: weights(400_000),
      [map.b]: weights(800_000),
    },
  };
}

interface Setting {
  hub: FakeHub;
  folder: string;
  fetch: (options?: Parameters<typeof fetchModel>[1]) => Promise<string>;
}

/** Runs a test against a hub of its own, with a cache folder of its own and no token of the machine's. */
async function withHub(repository: FakeRepository, run: (setting: Setting) => Promise<void>): Promise<void> {
  await using hub = new FakeHub(NAME, repository);
  const folder = await Deno.makeTempDir();
  try {
    const fetch: Setting["fetch"] = (options = {}) =>
      fetchModel(NAME, { hubUrl: hub.url, cacheFolder: folder, retryDelay: 1, ...options });
    await run({ hub, folder, fetch });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const FIRST = "model-00001-of-00002.safetensors";
const SECOND = "model-00002-of-00002.safetensors";
const blobsOf = (folder: string) =>
  [...Deno.readDirSync(`${folder}/models--someone--small-model/blobs`)].map(({ name }) => name);

Deno.test("fetchModel fills the cache as the Python library lays it out, and asks for no contents twice", () =>
  withHub(sharded(), async ({ hub, folder, fetch }) => {
    const seen = new Map<string, number>();
    const snapshot = await fetch({ onDownload: ({ file, done, total }) => seen.set(file, done / total) });
    assertEquals(snapshot, `${folder}/models--someone--small-model/snapshots/${COMMIT}`);
    assertEquals(await Deno.readTextFile(`${folder}/models--someone--small-model/refs/main`), COMMIT);
    const names = ["config.json", FIRST, SECOND, "model.safetensors.index.json", "tokenizer.json"];
    assertEquals([...Deno.readDirSync(snapshot)].map(({ name }) => name).sort(), names.sort());
    assertEquals([...seen.values()].every((share) => share === 1) && seen.size, 5);
    const link = await Deno.readLink(`${snapshot}/${FIRST}`);
    assert(/^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/.test(link), link);
    assertEquals(await Deno.readFile(`${snapshot}/${FIRST}`), hub.repository.files[FIRST]);
    const before = hub.sent;
    assertEquals(await fetch(), snapshot);
    assertEquals(await fetch({ revision: "v1.0" }), snapshot);
    assertEquals(hub.sent, before);
    const asked = hub.requests.length;
    assertEquals(await fetch({ revision: COMMIT }), snapshot);
    assertEquals(hub.requests.length, asked, "a commit that is there needs no request");
  }));

Deno.test("fetchModel goes on after broken connections, in one call and in the next", () =>
  withHub(sharded(), async ({ hub, fetch, folder }) => {
    hub.faults[FIRST] = [{ breakAfter: 100_000 }, { breakAfter: 150_000 }];
    hub.faults[SECOND] = [{ breakAfter: 300_000 }, ...Array.from({ length: 5 }, () => ({ status: 503 }))];
    const error = await assertRejects(() => fetch(), PlatformError);
    assertStringIncludes(error.message, `${SECOND}: the connection broke 5 times in a row`);
    const partial = blobsOf(folder).find((name) => name.endsWith(".incomplete"))!;
    const kept = (await Deno.stat(`${folder}/models--someone--small-model/blobs/${partial}`)).size;
    assert(kept > 100_000 && kept <= 300_000, `${kept} bytes kept`);
    assertStringIncludes(error.message, `${kept} of 800`);
    hub.sent = 0;
    const snapshot = await fetch();
    assertEquals(await Deno.readFile(`${snapshot}/${FIRST}`), hub.repository.files[FIRST]);
    assertEquals(await Deno.readFile(`${snapshot}/${SECOND}`), hub.repository.files[SECOND]);
    const came = hub.sent - (hub.repository.files[SECOND].length - kept);
    assert(came >= 0 && came < 10, `${came} bytes too many came again`);
    assert(blobsOf(folder).every((name) => !name.endsWith(".incomplete")));
  }));

Deno.test("fetchModel starts anew where a server sends whole files only", () =>
  withHub(sharded(), async ({ hub, fetch }) => {
    hub.faults[FIRST] = [{ breakAfter: 100_000 }, { ignoresRange: true }];
    const snapshot = await fetch();
    assertEquals(await Deno.readFile(`${snapshot}/${FIRST}`), hub.repository.files[FIRST]);
  }));

Deno.test("fetchModel keeps nothing that arrives with a wrong checksum, and mends what an earlier attempt left wrong", () =>
  withHub(sharded(), async ({ hub, fetch, folder }) => {
    hub.faults[FIRST] = [{ damaged: true }];
    const error = await assertRejects(() => fetch(), ModelFileError);
    assertStringIncludes(error.message, `${FIRST} arrived with a wrong checksum (sha256 should be `);
    assertEquals(blobsOf(folder).filter((name) => name.length >= 64), []);
    hub.faults["config.json"] = [{ damaged: true }];
    await Deno.remove(`${folder}/models--someone--small-model`, { recursive: true });
    assertStringIncludes(
      (await assertRejects(() => fetch(), ModelFileError)).message,
      "config.json arrived with a wrong checksum",
    );
    const snapshot = await fetch();
    const blob = await Deno.realPath(`${snapshot}/${FIRST}`);
    await Deno.writeFile(`${blob}.incomplete`, new Uint8Array(1000));
    await Deno.remove(blob);
    await fetch();
    assertEquals(await Deno.readFile(`${snapshot}/${FIRST}`), hub.repository.files[FIRST]);
  }));

Deno.test("fetchModel says what a refusal means, and sends the token it is given", () =>
  withHub({ ...sharded(), token: "hf_secret" }, async ({ fetch, hub }) => {
    const refused = await assertRejects(() => fetch({ token: "hf_wrong" }), HubRefusal);
    assertStringIncludes(refused.message, "401");
    assertStringIncludes(refused.message, "HF_TOKEN");
    assertEquals(refused.status, 401);
    const odd = await assertRejects(() => fetch({ token: "secret" }), RangeError);
    assertStringIncludes(odd.message, 'starts with "hf_"');
    assert(!odd.message.includes("secret"));
    await fetch({ token: "hf_secret" });
    const none = await assertRejects(() => fetch({ token: "hf_secret", revision: "nightly" }), HubRefusal);
    assertStringIncludes(none.message, 'no revision "nightly"');
    await assertRejects(() => fetch({ revision: "../../etc" }), RangeError, "must be a branch, a tag or a commit");
    assertEquals(hub.requests.some((request) => request.includes("etc")), false);
  }));

Deno.test("fetchModel reads the token, the hub's address and the cache's folder from the usual variables", () =>
  withHub({ ...sharded(), token: "hf_from_variable" }, async ({ hub, folder }) => {
    const names = { HF_TOKEN: "hf_from_variable", HF_ENDPOINT: hub.url, HF_HUB_CACHE: folder, HF_HUB_OFFLINE: "" };
    const before = Object.keys(names).map((name) => [name, Deno.env.get(name)] as const);
    try {
      for (const [name, value] of Object.entries(names)) Deno.env.set(name, value);
      const snapshot = await fetchModel(NAME);
      assertEquals(snapshot, `${folder}/models--someone--small-model/snapshots/${COMMIT}`);
      Deno.env.set("HF_HUB_OFFLINE", "1");
      const asked = hub.requests.length;
      assertEquals(await fetchModel(NAME), snapshot);
      await assertRejects(() => fetchModel(NAME, { revision: "other" }), PlatformError, "HF_HUB_OFFLINE");
      assertEquals(hub.requests.length, asked);
    } finally {
      for (const [name, value] of before) value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
  }));

Deno.test("fetchModel uses what is there where the hub can't be reached, and says so where nothing is", () =>
  withHub(sharded(), async ({ fetch, folder }) => {
    const nowhere = "http://127.0.0.1:9";
    const error = await assertRejects(() => fetch({ hubUrl: nowhere }), PlatformError);
    assertStringIncludes(error.message, `cannot reach ${nowhere}`);
    const snapshot = await fetch();
    assertEquals(await fetch({ hubUrl: nowhere }), snapshot);
    await Deno.remove(`${folder}/models--someone--small-model/snapshots/${COMMIT}/${SECOND}`);
    await assertRejects(() => fetch({ hubUrl: nowhere }), PlatformError, "cannot reach");
  }));

Deno.test("fetchModel names what a repository lacks", async () => {
  const { files, refs } = sharded();
  const without = (...names: string[]) => ({
    refs,
    files: Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name))),
  });
  const cases: [FakeRepository, string][] = [
    [without("config.json"), "has no config.json"],
    [
      without("model.safetensors.index.json"),
      "has neither model.safetensors nor model.safetensors.index.json; it has pytorch_model.bin",
    ],
    [without(SECOND), `names ${SECOND}, which the repository does not have`],
  ];
  for (const [repository, message] of cases) {
    await withHub(repository, async ({ fetch }) => {
      assertStringIncludes((await assertRejects(() => fetch(), ModelFileError)).message, message);
    });
  }
});

Deno.test("fetchModel stops when told to, and goes on from there", () =>
  withHub(sharded(), async ({ fetch, hub }) => {
    const stop = new AbortController();
    const onDownload = ({ file, done }: { file: string; done: number }) => {
      if (file === SECOND && done > 200_000) stop.abort(new Error("enough"));
    };
    await assertRejects(() => fetch({ signal: stop.signal, onDownload }), Error, "enough");
    hub.sent = 0;
    await fetch();
    assert(hub.sent < 650_000, `${hub.sent} bytes came again`);
  }));

Deno.test("two calls at once download each file once", () =>
  withHub(sharded(), async ({ fetch, hub }) => {
    const [left, right] = await Promise.all([fetch(), fetch()]);
    assertEquals(left, right);
    const wanted = Object.entries(hub.repository.files).filter(([name]) => !/README|\.bin/.test(name));
    const bytes = wanted.reduce((sum, [, file]) => sum + file.length, 0);
    assert(hub.sent < bytes + 100, `${hub.sent} bytes sent for ${bytes}`);
  }));

/** Mounts a small disk in a namespace of this test's own, where the system lets it, and runs a script there. */
async function onSmallDisk(script: string, ...args: string[]): Promise<{ code: number; text: string }> {
  const mount = 'mkdir -p "$1" && mount -t tmpfs -o size=600k tmpfs "$1" && shift && exec "$@"';
  const command = [
    "unshare",
    "-rm",
    "sh",
    "-c",
    mount,
    "sh",
    ...args.slice(0, 1),
    Deno.execPath(),
    "eval",
    script,
    ...args.slice(1),
  ];
  const { code, stdout, stderr } = await new Deno.Command(command[0], {
    args: command.slice(1),
    env: { NO_COLOR: "1" },
  }).output();
  return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

Deno.test("fetchModel on a full disk says how much is missing, and leaves no file that looks whole", () =>
  withHub(sharded(), async ({ hub, folder }) => {
    const module = new URL("../../../lib/model/mod.ts", import.meta.url).href;
    const script = `import { fetchModel } from ${JSON.stringify(module)};
      const [cacheFolder, hubUrl] = Deno.args;
      const told = await fetchModel(${
      JSON.stringify(NAME)
    }, { cacheFolder, hubUrl, retryDelay: 1 }).catch((error) => error);
      console.log(told.name + ": " + told.message);
      let filled = false;
      const fill = () => {
        if (filled) return;
        filled = true;
        try {
          Deno.writeFileSync(cacheFolder + "/filler", new Uint8Array(600_000));
        } catch { /* full, as wanted */ }
      };
      const other = { cacheFolder: cacheFolder + "/second", hubUrl, retryDelay: 1, onDownload: ({ file }) => file.includes("00001") && fill() };
      Deno.removeSync(cacheFolder + "/models--someone--small-model/blobs/" + Deno.args[2]);
      const full = await fetchModel(${JSON.stringify(NAME)}, other).catch((error) => error);
      console.log(full.name + ": " + full.message);
      const blobs = [...Deno.readDirSync(cacheFolder + "/second/models--someone--small-model/blobs")].map(({ name }) => name);
      console.log("whole: " + blobs.filter((name) => name.length === 64).length);`;
    const large = await makeHasher("sha256");
    large.update(hub.repository.files[FIRST]);
    const { code, text } = await onSmallDisk(script, folder, folder, hub.url, large.digest("hex"));
    assertEquals(code, 0, text);
    assertStringIncludes(text, `PlatformError: ${NAME}: ${SECOND} needs 800`);
    assertStringIncludes(text, " free");
    assert(/PlatformError: cannot write \S+\.incomplete: No space left on device/.test(text), text);
    assertStringIncludes(text, "whole: 0");
  }));

gpuTest("loadModel loads a model by its name on the hub, and a local folder by its path", async (device) => {
  const [config, tokenizer, model] = await Promise.all(
    ["config.json", "tokenizer.json", "model.safetensors"].map(read),
  );
  const files = {
    "config.json": config,
    "tokenizer.json": tokenizer,
    "model.safetensors": model,
  } as FakeRepository["files"];
  await withHub({ refs: { main: COMMIT }, files }, async ({ hub, folder, fetch }) => {
    const shards: string[] = [];
    const onShard = (
      { file, number, count, bytes, seconds }: {
        file: string;
        number: number;
        count: number;
        bytes: number;
        seconds: number;
      },
    ) => {
      shards.push(`${file} ${number} ${count}`);
      assert(bytes > 9e6 && seconds > 0);
    };
    using loaded = await loadModel(NAME, { device, hubUrl: hub.url, cacheFolder: folder, onShard });
    using local = await loadModel(await fetch(), { device });
    assertEquals(shards, ["model.safetensors 1 1"]);
    assertEquals([loaded.config, local.config].map(({ layers }) => layers), [4, 4]);
    using session = loaded.createSession({ method: "full" });
    using other = local.createSession({ method: "full" });
    const prompt = loaded.tokenizer.encode("It rained all day");
    assertEquals(await session.generate(prompt, { maxTokens: 5 }), await other.generate(prompt, { maxTokens: 5 }));
  });
});
