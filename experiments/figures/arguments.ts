import { parseArgs } from "node:util";
import { z } from "zod";
import type { PrintSize } from "./print_size.ts";

/** Kinds of pictures. */
export const formats = ["svg", "pdf", "png"] as const;

/** What the command was asked for. */
export interface FigureArguments {
  /** Prints the usage and nothing else. */
  readonly help: boolean;
  /** Figures as JSON. */
  readonly files: readonly string[];
  /** Kinds of pictures to write. */
  readonly formats: readonly (typeof formats)[number][];
  /** Printed width. */
  readonly width: PrintSize;
  /** In the colours of a dark page. */
  readonly dark: boolean;
  /** Folder of the pictures; undefined: beside each figure. */
  readonly out?: string;
}

/** What the command takes. */
export const USAGE = `usage: deno task figure FILE.json... [options]

Draws figures that saveFigure wrote as JSON, as SVG, PDF or PNG, with Chromium (install it, or name it by the
variable CHROMIUM). Nothing is fetched.

  --format NAME,...  ${formats.join(", ")} (default svg,pdf)
  --width WIDTH      column (84 mm), page (174 mm), or millimetres (default column); letters stay 7.5 points
  --dark             in the colours of a dark page
  --out FOLDER       where the pictures go (default: beside each figure)
  --help             prints this`;

const schema = z.object({
  help: z.boolean().default(false),
  dark: z.boolean().default(false),
  format: z.string().default("svg,pdf").transform((text) => text.split(",").map((part) => part.trim()))
    .pipe(
      z.array(z.enum(formats, { error: (issue) => `--format must be of ${formats.join(", ")}, not "${issue.input}"` })),
    ),
  width: z.string().default("column").transform((text, context): PrintSize => {
    if (text === "column" || text === "page") return text;
    const millimetres = Number(text);
    if (millimetres >= 40 && millimetres <= 1000) return millimetres;
    context.addIssue({
      code: "custom",
      message: `--width must be column, page or 40 to 1000 millimetres, not "${text}"`,
    });
    return z.NEVER;
  }),
  out: z.string().min(1, "--out must name a folder").optional(),
});

/**
 * Reads the command line.
 *
 * @throws {RangeError} naming what is wrong and what would be right.
 */
export function parseFigureArguments(args: readonly string[]): FigureArguments {
  let given: { values: Record<string, unknown>; positionals: string[] };
  try {
    const options = {
      help: { type: "boolean" },
      dark: { type: "boolean" },
      format: { type: "string" },
      width: { type: "string" },
      out: { type: "string" },
    } as const;
    given = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new RangeError((error as Error).message, { cause: error });
  }
  const parsed = schema.safeParse(given.values);
  if (!parsed.success) throw new RangeError(parsed.error.issues.map(({ message }) => message).join("; "));
  const { format, ...rest } = parsed.data;
  if (!rest.help && given.positionals.length === 0) throw new RangeError("name at least one figure (a .json file)");
  return { ...rest, formats: format, files: given.positionals };
}
