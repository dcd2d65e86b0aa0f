import { assertEquals, assertStringIncludes } from "@std/assert";
import { writeTinyLlama } from "../../evaluation/tiny_llama.ts";
import { runScript } from "../run_script.ts";

const fixtures = decodeURIComponent(new URL("../../../../shared/fixtures", import.meta.url).pathname);

/** Tasks of a benchmark whose data is there, by the names of their files. */
function tasksIn(...folders: string[]): string[] {
  const names = folders.flatMap((folder) => [...Deno.readDirSync(`${fixtures}/${folder}`)].map(({ name }) => name));
  return names.filter((name) => name.endsWith(".jsonl") && !name.startsWith("expected")).map((name) =>
    name.slice(0, -6)
  );
}

const cases: readonly [benchmark: string, data: string, tasks: string[]][] = [
  ["longbench", "longbench", tasksIn("longbench/data").filter((task) => !task.endsWith("_e"))],
  ["longbench-e", "longbench", tasksIn("longbench/data").filter((task) => task.endsWith("_e"))],
  ["infinitebench", "infinitebench", tasksIn("infinitebench")],
  ["leval", "leval", tasksIn("leval/LEval-data/Closed-ended-tasks", "leval/LEval-data/Open-ended-tasks")],
];

for (const [benchmark, data, tasks] of cases) {
  Deno.test(`${benchmark}: every fixture is asked, answered and scored on a tiny random model`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await writeTinyLlama(`${folder}/tiny`);
      const { code, out, err } = await runScript("evaluate", [
        ...["--benchmark", benchmark, "--model", `${folder}/tiny`],
        ...["--data", `${fixtures}/${data}`, "--methods", "full,reattention", "--max-new", "2", "--limit", "1"],
        ...["--max-length", "600", "--out", `${folder}/out`],
      ]);
      assertEquals(code, 0, err);
      const rows = out.split("\n").filter((line) => line.startsWith("| ")).map((line) => line.split("|")[1].trim());
      assertEquals(tasks.filter((task) => !rows.includes(task)), []);
      assertStringIncludes(out, `answers and scores: ${folder}/out`);
      assertEquals(await Deno.readTextFile(`${folder}/out/failures.jsonl`), "");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
