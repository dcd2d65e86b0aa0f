import { listFiles, readText } from "../../platform.ts";

/**
 * A file of a release that is not there: the message says which, where it was looked for, and where it comes from.
 *
 * @example
 * ```ts
 * import { MissingFileError, Release } from "@reattention/toolkit/evaluation";
 * import { assertThrows } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * const release = await Release.open(folder);
 * assertThrows(() => release.need("the data set's page", "qasper.jsonl"), MissingFileError, "qasper.jsonl is missing");
 * await Deno.remove(folder);
 * ```
 */
export class MissingFileError extends Error {
  /** The class's own name, as shown in stack traces. */
  override readonly name = "MissingFileError";
}

/**
 * Folders that hold files of a benchmark's release: its data, and where they lie apart, its templates.
 *
 * @example
 * ```ts
 * import { Release } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const folder = await Deno.makeTempDir();
 * await Deno.mkdir(`${folder}/data`);
 * await Deno.writeTextFile(`${folder}/data/qasper.jsonl`, "{}\n");
 * const release = await Release.open(folder);
 * assertEquals(release.hasTable("qasper"), true);
 * assertEquals(release.find("missing.jsonl", "qasper.jsonl"), [`${folder}/data/qasper.jsonl`]);
 * await Deno.remove(folder, { recursive: true });
 * ```
 */
export class Release {
  readonly #files: readonly { readonly folder: string; readonly name: string }[];
  readonly #folders: readonly string[];

  private constructor(folders: readonly string[], files: readonly { folder: string; name: string }[]) {
    this.#folders = folders;
    this.#files = files;
  }

  /**
   * Looks into folders; a file is taken from the first that has it.
   *
   * @throws {PlatformError} for a folder that can't be read.
   */
  static async open(...folders: readonly string[]): Promise<Release> {
    const listed = await Promise.all(folders.map(async (folder) => {
      const plain = folder.replace(/\/+$/, "") || "/";
      return (await listFiles(plain)).map((name) => ({ folder: plain, name }));
    }));
    return new Release(folders, listed.flat());
  }

  /**
   * The path of the first of several names that is there, if any: the whole path or its end, from a folder's name on; the
   * least nested one.
   */
  find(...names: readonly string[]): string[] {
    for (const name of names) {
      const found = this.#files.filter((file) => file.name === name || file.name.endsWith(`/${name}`));
      const [first] = found.sort((a, b) => a.name.split("/").length - b.name.split("/").length);
      if (first) return [`${first.folder}/${first.name}`];
    }
    return [];
  }

  /** Paths of all files whose name, with its folders, matches. */
  matching(pattern: RegExp): string[] {
    return this.#files.filter(({ name }) => pattern.test(`/${name}`)).map(({ folder, name }) => `${folder}/${name}`);
  }

  /** Whether a table is there as NAME.jsonl or as Parquet files; archives are not looked into. */
  hasTable(name: string): boolean {
    return this.find(`${name}.jsonl`).length > 0 || this.parquet(name).length > 0;
  }

  /** Paths of a table's Parquet files: NAME.parquet, NAME-*.parquet, or those in a folder NAME, as hubs convert. */
  parquet(name: string): string[] {
    const stem = name.replace(/[.*+?^${}()|[\]\\-]/g, "\\$&");
    return this.matching(new RegExp(`/(${stem}|${stem}[-/][^/]*|${stem}/[^/]*/[^/]*)\\.parquet$`)).sort();
  }

  /**
   * The path of a file that has to be there.
   *
   * @param origin where the file comes from, in words
   * @throws {MissingFileError} where it is not.
   */
  need(origin: string, ...names: readonly string[]): string {
    const [path] = this.find(...names);
    if (path !== undefined) return path;
    throw new MissingFileError(
      `${names.join(" or ")} is missing in ${this.#folders.join(" and ")}: it comes from ${origin}`,
    );
  }

  /** The text of a file that has to be there. */
  async needText(origin: string, ...names: readonly string[]): Promise<string> {
    return await readText(this.need(origin, ...names));
  }
}
