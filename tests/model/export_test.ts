import { assert, assertAlmostEquals, assertEquals, assertThrows } from "@std/assert";
import { makeHaystack, Random } from "../../lib/evaluation/mod.ts";
import {
  encodeParquet,
  inspectionTables,
  inspectionTensors,
  loadModel,
  type Table,
  type TensorToWrite,
  traceTables,
  traceTensors,
  writeParquet,
  writeSafetensors,
} from "../../lib/model/mod.ts";
import { runCommand } from "../../lib/platform.ts";
import { gpuTest } from "../gpu_test_device.ts";

const PYTHON = Deno.env.get("PYTHON") ?? "python3";

/** Why Python can't open the files here; undefined where it can. */
async function whatIsMissing(): Promise<string | undefined> {
  const packages = "numpy, pandas and pyarrow";
  try {
    const { code } = await runCommand(PYTHON, ["-c", "import numpy, pandas, pyarrow"]);
    return code === 0
      ? undefined
      : `${PYTHON} has not all of ${packages}: install them, or name another Python in PYTHON`;
  } catch {
    return `there is no ${PYTHON}: install it with ${packages}, or name another one in PYTHON`;
  }
}

const missing = await whatIsMissing();
const TITLE = "exported traces and attention maps open in numpy and pandas with the same numbers";
if (missing) console.warn(`skipped: ${TITLE}: ${missing}`);

/** What read_exports.py says of a folder. */
interface Told {
  [file: string]: {
    rows: number;
    types: Record<string, string>;
    sums: Record<string, number>;
    words: Record<string, string[]>;
    rows_of_weights?: [number, number, number];
  };
}

if (missing) Deno.test({ name: TITLE, ignore: true, fn() {} });
else {
  gpuTest(TITLE, async (device) => {
    using model = await loadModel("demo", { device });
    const { tokenizer } = model;
    const { tokens } = await makeHaystack({ tokenizer, tokens: 700, needles: 2, clear: 0, random: new Random(8) });
    using session = model.createSession({ method: "reattention", trace: true });
    await session.append([...tokens]);
    const inspection = await session.inspect(" Question: What is the secret code of Zena?", {
      ...{ layers: [0, 2], heads: [1, 6], rows: [-3, -1], scores: true },
    });
    const trace = await session.readTrace();
    const tables: Record<string, Table> = {
      ...Object.fromEntries(Object.entries(traceTables(trace)).map(([name, table]) => [`trace_${name}`, table])),
      ...Object.fromEntries(
        Object.entries(inspectionTables(inspection)).map(([name, table]) => [`inside_${name}`, table]),
      ),
    };
    const stores = { trace: traceTensors(trace), inside: inspectionTensors(inspection) };
    const folder = await Deno.makeTempDir();
    try {
      for (const [name, table] of Object.entries(tables)) await writeParquet(`${folder}/${name}.parquet`, table);
      for (const [name, tensors] of Object.entries(stores)) {
        await writeSafetensors(`${folder}/${name}.safetensors`, tensors);
      }
      const script = new URL("read_exports.py", import.meta.url).pathname;
      const { code, stdout, stderr } = await runCommand(PYTHON, [script, folder]);
      assertEquals(code, 0, stderr);
      const told = JSON.parse(stdout);
      for (const [name, table] of Object.entries(tables)) checkTable(name, table, told[name]);
      for (const [name, tensors] of Object.entries(stores)) checkTensors(tensors, told[name]);
      // Two heads of two layers, two queries, before and after: each row of weights sums to 1.
      const [rows, least, most] = (told as Told).inside_attention.rows_of_weights!;
      assertEquals(rows, 16);
      assertAlmostEquals(least, 1, 1e-4);
      assertAlmostEquals(most, 1, 1e-4);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

function checkTable(name: string, table: Table, told: Told[string]): void {
  const columns = Object.entries(table);
  assert(columns[0][1].length > 0, `${name} is empty`);
  for (const [column, values] of columns) {
    assertEquals(told.rows, values.length, `${name}.${column}`);
    if (Array.isArray(values)) {
      assertEquals(told.words[column], [...new Set(values)].sort(), `${name}.${column}`);
      continue;
    }
    assertEquals(told.types[column], values instanceof Int32Array ? "int32" : "float32", `${name}.${column}`);
    const sum = Array.from(values as Float32Array).reduce((total, value) => total + value, 0);
    // pandas sums f32 columns in f32.
    assertAlmostEquals(told.sums[column], sum, 1e-4 * (1 + Math.abs(sum)), `${name}.${column}`);
  }
}

function checkTensors(
  tensors: Record<string, TensorToWrite>,
  told: Record<string, { shape: number[]; sum: number }>,
): void {
  assertEquals(Object.keys(told).sort(), Object.keys(tensors).sort());
  for (const [name, { shape, data }] of Object.entries(tensors)) {
    assertEquals(told[name].shape, [...shape], name);
    const numbers = Array.from(data as Float32Array).filter((value) => !Number.isNaN(value));
    const sum = numbers.reduce((total, value) => total + value, 0);
    assertAlmostEquals(told[name].sum, sum, 1e-9 * (1 + Math.abs(sum)), name);
  }
}

Deno.test("traceTables tell steps, attended tokens, candidates and votes row by row", () => {
  const group = {
    ...{ indices: new Uint32Array([0, 5, 6, 9]), centers: new Uint32Array([5]), votes: new Uint32Array([3]) },
    ...{ globalCount: 1, windowStart: 9 },
  };
  const picks = [{ row: 0, head: 4, tokens: new Uint32Array([5, 2]), scores: new Float32Array([1.5, 0.5]) }];
  const about = { step: 3, kind: "select", frozen: false, start: 9, rows: 1, length: 10 } as const;
  const tables = traceTables([{ ...about, layers: [{ layer: 2, groups: [group], picks }] }]);
  assertEquals(tables.steps, {
    ...{ step: Int32Array.of(3), kind: ["select"], frozen: Int32Array.of(0) },
    ...{ start: Int32Array.of(9), rows: Int32Array.of(1), length: Int32Array.of(10) },
  });
  assertEquals(tables.attended.token, Int32Array.of(0, 5, 6, 9));
  assertEquals(tables.attended.part, ["global", "selected", "selected", "window"]);
  assertEquals(tables.candidates.votes, Int32Array.of(3));
  assertEquals([tables.votes.query, tables.votes.rank, tables.votes.token], [
    Int32Array.of(9, 9),
    Int32Array.of(0, 1),
    Int32Array.of(5, 2),
  ]);
  assertEquals(tables.votes.score, Float32Array.of(1.5, 0.5));
});

Deno.test("encodeParquet names what can't be a table, and takes one without rows", () => {
  assertThrows(() => encodeParquet({}), RangeError, "at least one column");
  const uneven = { a: Int32Array.of(1, 2), b: ["x"] };
  assertThrows(() => encodeParquet(uneven), RangeError, 'column "b" has 1 values, column "a" 2');
  assert(encodeParquet({ a: new Int32Array(0), b: [] }).length > 8);
});
