import { assert, assertEquals } from "@std/assert";
import {
  InMemoryLedger,
  ModelBench,
  parseSweepSpec,
  planSweep,
  runLedger,
  type Trial,
  type TrialRecord,
} from "../../../lib/evaluation/mod.ts";
import { gpuTest } from "../../gpu_test_device.ts";

const { trials } = await planSweep(parseSweepSpec({
  methods: ["reattention-window"],
  sweep: { k: [1, 4] },
  lengths: [500],
  seeds: [0, 1],
  task: { name: "needle", needles: 2 },
}));

gpuTest(
  "readings that are kept serve other processes, bit for bit, and a damaged one is read again",
  async (device) => {
    const folder = await Deno.makeTempDir();
    try {
      const records = async (some: readonly Trial[], readings?: string) => {
        using bench = new ModelBench(device, { readings });
        const found: TrialRecord[] = [];
        for await (const record of runLedger(new InMemoryLedger(some), bench)) found.push(record);
        return found;
      };
      const told = (all: readonly TrialRecord[]) =>
        all.map(({ trial, error, result }) => [trial.id, error, result?.questions, result?.tokens, result?.scope]);
      const shared = (all: readonly TrialRecord[]) => all.map(({ result }) => result!.shared);
      const [a, b, c, d] = trials;
      const plain = await records(trials);
      const first = await records([a, c], folder);
      const second = await records([b, d], folder);
      assertEquals([shared(first), shared(second)], [[false, false], [true, true]]);
      assertEquals(told([...first, ...second]), told([plain[0], plain[2], plain[1], plain[3]]));
      assertEquals(second[0].result!.readSeconds, first[0].result!.readSeconds);

      const sessions = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
        name.endsWith(".session")
      );
      assertEquals(sessions.length, 2);
      for (const name of sessions) {
        const bytes = await Deno.readFile(`${folder}/${name}`);
        bytes[bytes.length - 100] ^= 1;
        await Deno.writeFile(`${folder}/${name}`, bytes);
      }
      const third = await records([b, d], folder);
      assertEquals(shared(third), [false, false]);
      assertEquals(told(third), told(second));
      assert(shared(await records([a], folder))[0]);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
