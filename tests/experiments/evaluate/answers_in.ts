/** Answers by prediction file and question, without what differs from run to run. */
export async function answersIn(folder: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (name === "cluster" || name === "failures.jsonl") continue;
    if (isDirectory) {
      for (const [file, text] of Object.entries(await answersIn(`${folder}/${name}`))) found[`${name}/${file}`] = text;
    } else if (name.endsWith(".jsonl")) {
      found[name] = (await Deno.readTextFile(`${folder}/${name}`)).replaceAll(/"seconds":[^,]+,/g, "");
    }
  }
  return found;
}
