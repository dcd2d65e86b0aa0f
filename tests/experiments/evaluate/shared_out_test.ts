import { assert, assertEquals } from "@std/assert";
import { runScript } from "../run_script.ts";

const evaluate = (args: readonly string[]) => runScript("evaluate", args);

Deno.test("two processes on one --out share the questions and print the same table", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const args = [
      ...["--benchmark", "niah", "--lengths", "512,600", "--depths", "3", "--samples", "2"],
      ...["--methods", "full,streaming", "--out", `${folder}/out`],
    ];
    const both = await Promise.all([evaluate(args), evaluate(args)]);
    for (const { code, err } of both) assertEquals(code, 0, err);
    const [first, second] = both.map(({ out }) => out.split("\n").filter((line) => line.startsWith("|")));
    assertEquals(first, second);
    assert(first.some((line) => /\| single_gkamradt at 600 \| +6 \|/.test(line)), first.join("\n"));
    const found = await findFiles(`${folder}/out`, ".jsonl");
    const answers = found.filter((name) => !name.endsWith("failures.jsonl"));
    assertEquals(answers.length, 4, found.join(", "));
    for (const method of ["full", "streaming"]) {
      const { data } = JSON.parse(await Deno.readTextFile(`${folder}/out/heatmap_${method}.json`));
      assertEquals([data[0].z.length, data[0].z[0].length], [3, 2], "depths down, lengths across");
    }
    for (const name of answers) {
      const rows = (await Deno.readTextFile(name)).trimEnd().split("\n").map((line) => JSON.parse(line).question);
      assertEquals([rows.length, new Set(rows).size], [6, 6], name);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

async function findFiles(folder: string, end: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) found.push(...await findFiles(`${folder}/${name}`, end));
    else if (name.endsWith(end)) found.push(`${folder}/${name}`);
  }
  return found;
}
