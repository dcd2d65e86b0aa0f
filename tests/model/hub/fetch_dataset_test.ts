import { assert, assertEquals, assertRejects } from "@std/assert";
import { fetchDataset, HubRefusal, PlatformError } from "../../../lib/model/mod.ts";
import { COMMIT, FakeHub, type FakeRepository } from "./fake_hub.ts";

const NAME = "someone/questions";
const text = (value: string) => new TextEncoder().encode(value);

async function withHub(
  run: (hub: FakeHub, fetch: (wanted: RegExp, revision?: string) => Promise<string>, folder: string) => Promise<void>,
): Promise<void> {
  const repository: FakeRepository = {
    kind: "dataset",
    refs: { main: COMMIT },
    files: {
      "README.md": text("# questions"),
      "data/a.jsonl": text('{"a": 1}\n'),
      "data/deep/b.parquet": new Uint8Array(70_000).fill(7),
    },
  };
  await using hub = new FakeHub(NAME, repository);
  const folder = await Deno.makeTempDir();
  const fetch = (wanted: RegExp, revision?: string) => {
    const options = { hubUrl: hub.url, cacheFolder: folder, retryDelay: 1, revision };
    return fetchDataset(NAME, (path) => wanted.test(path), options);
  };
  try {
    await run(hub, fetch, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("fetchDataset keeps wanted files with their folders where the Python library looks for them", () =>
  withHub(async (hub, fetch, folder) => {
    const snapshot = await fetch(/^data\//);
    assertEquals(snapshot, `${folder}/datasets--someone--questions/snapshots/${COMMIT}`);
    assertEquals(await Deno.readTextFile(`${snapshot}/data/a.jsonl`), '{"a": 1}\n');
    assertEquals((await Deno.readFile(`${snapshot}/data/deep/b.parquet`)).length, 70_000);
    await assertRejects(() => Deno.stat(`${snapshot}/README.md`), Deno.errors.NotFound);
    const sent = hub.sent;
    assertEquals(await fetch(/^data\//), snapshot);
    assertEquals(hub.sent, sent);
  }));

Deno.test("fetchDataset goes on with a file whose connection broke", () =>
  withHub(async (hub, fetch) => {
    hub.faults["data/deep/b.parquet"] = [{ breakAfter: 65_536 }];
    const snapshot = await fetch(/parquet$/);
    assertEquals((await Deno.readFile(`${snapshot}/data/deep/b.parquet`)).length, 70_000);
    // What arrived before is not sent again; a byte or two may be, to ask whether the server sends parts.
    assert(hub.sent < 70_100, `${hub.sent} bytes`);
  }));

Deno.test("fetchDataset says what a data set lacks", () =>
  withHub(async (_hub, fetch) => {
    await assertRejects(() => fetch(/csv$/), PlatformError, "none of its files is wanted; it has README.md");
    await assertRejects(() => fetch(/jsonl$/, "v9"), HubRefusal, 'it has no revision "v9"');
  }));
