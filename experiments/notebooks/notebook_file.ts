import { z } from "zod";
import { writeAside } from "../../lib/platform.ts";

const text = z.union([z.string(), z.array(z.string())]).transform((value) =>
  Array.isArray(value) ? value.join("") : value
);

const output = z.looseObject({
  output_type: z.enum(["stream", "display_data", "execute_result", "error", "update_display_data"]),
  data: z.record(z.string(), z.unknown()).optional(),
  name: z.string().optional(),
  text: text.optional(),
});

const cell = z.looseObject({
  id: z.string().optional(),
  cell_type: z.enum(["markdown", "code", "raw"]),
  source: text,
  outputs: z.array(output).optional(),
});

const notebook = z.looseObject({
  nbformat: z.literal(4, "must be 4"),
  cells: z.array(cell),
});

/** One output of a cell (nbformat 4). */
export type NotebookOutput = z.infer<typeof output>;
/** One cell (nbformat 4). */
export type NotebookCell = z.infer<typeof cell>;
/** A notebook (nbformat 4). */
export type Notebook = z.infer<typeof notebook>;

/**
 * Reads a notebook.
 *
 * @throws {TypeError} naming the file and what is wrong with it.
 */
export async function readNotebook(path: string | URL): Promise<Notebook> {
  let json: unknown;
  try {
    json = JSON.parse(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof SyntaxError) throw new TypeError(`${path} is no notebook: it is not JSON (${error.message})`);
    throw error;
  }
  const parsed = notebook.safeParse(json);
  if (parsed.success) return parsed.data;
  const lines = parsed.error.issues.map(({ path: place, message }) => `${place.join(".")}: ${message}`);
  throw new TypeError(`${path} is no notebook of format 4: ${lines.slice(0, 3).join("; ")}`);
}

/** Writes a notebook as Jupyter does: texts as lists of lines, one space of indentation. */
export async function writeNotebook(path: string | URL, { cells, ...rest }: Notebook): Promise<void> {
  const stored = {
    cells: cells.map(({ source, outputs, ...cell }) => ({
      ...cell,
      ...(outputs && { outputs: outputs.map(storedOutput) }),
      source: linesOf(source),
    })),
    ...rest,
  };
  await writeAside(path, `${JSON.stringify(stored, null, 1)}\n`);
}

function storedOutput({ text, ...rest }: NotebookOutput): Record<string, unknown> {
  return text === undefined ? rest : { ...rest, text: linesOf(text) };
}

function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
