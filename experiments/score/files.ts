/** Files of predictions by their ending; a folder stands for all of them inside it. */
export async function findPredictions(paths: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const { isDirectory } = await Deno.stat(path).catch(() => {
      throw new Error(`there is no file or folder ${path}`);
    });
    found.push(...(isDirectory ? await filesInside(path) : [path]));
  }
  if (found.length === 0) throw new Error(`there is no file that ends with .jsonl in ${paths.join(", ")}`);
  return found;
}

async function filesInside(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder.replace(/\/$/, "")}/${name}`;
    if (isDirectory) found.push(...await filesInside(path));
    else if (name.endsWith(".jsonl") && name !== "failures.jsonl") found.push(path);
  }
  return found.sort();
}
