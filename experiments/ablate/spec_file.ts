import { parse, type ParseError, printParseErrorCode } from "jsonc-parser";
import { parseDocument } from "yaml";
import { parseSweepSpec, type SweepSpec } from "../../lib/evaluation/mod.ts";
import { readText } from "../../lib/platform.ts";

type Fields = Record<string, unknown>;

/**
 * Reads a spec's file, JSON with comments or YAML by its name's ending, and puts changes over it.
 *
 * @throws {RangeError} naming the file and what is wrong where.
 * @throws {PlatformError} where it can't be read.
 */
export async function readSpec(path: string | undefined, changes: Fields = {}): Promise<SweepSpec> {
  if (path === undefined) return parseSweepSpec(merged({}, changes));
  const text = await readText(path);
  const fields = /\.ya?ml$/i.test(path) ? fromYaml(path, text) : fromJson(path, text);
  if (typeof fields !== "object" || fields === null || Array.isArray(fields)) {
    throw new RangeError(`${path}: must hold an object, such as { "sweep": { "k": [1, 4, 8] } }`);
  }
  const named = { name: path.replace(/^.*[/\\]/, "").replace(/\.(jsonc?|ya?ml)$/i, ""), ...fields };
  try {
    return parseSweepSpec(merged(named, changes));
  } catch (error) {
    throw new RangeError(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

function fromJson(path: string, text: string): unknown {
  const errors: ParseError[] = [];
  const value = parse(text, errors, { allowTrailingComma: true });
  if (errors.length === 0) return value;
  const [{ error, offset }] = errors;
  const lines = text.slice(0, offset).split("\n");
  throw new RangeError(`${path}:${lines.length}:${lines.at(-1)!.length + 1}: ${printParseErrorCode(error)}`);
}

function fromYaml(path: string, text: string): unknown {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error) throw new RangeError(`${path}: ${error.message.split("\n")[0]}`);
  return document.toJS();
}

/** Flags over fields: knobs and axes one by one, a task's options over those of the same task. */
function merged(fields: Fields, changes: Fields): Fields {
  const result: Fields = { ...fields, ...changes };
  for (const name of ["set", "sweep"]) {
    if (changes[name]) result[name] = { ...fields[name] as Fields, ...changes[name] as Fields };
  }
  // A knob that a flag sweeps or sets is that, whatever the file says of it.
  result.set = without(result.set, changes.sweep);
  result.sweep = without(result.sweep, changes.set);
  if (changes.models) delete result.model;
  if (changes.task) {
    const before = typeof fields.task === "string" ? { name: fields.task } : fields.task as Fields | undefined;
    const after = changes.task as Fields;
    const same = after.name === undefined || after.name === before?.name;
    result.task = same ? { name: "needle", ...before, ...after } : after;
  }
  return Object.fromEntries(Object.entries(result).filter(([, value]) => value !== undefined));
}

function without(fields: unknown, names: unknown): unknown {
  if (!fields || !names) return fields;
  return Object.fromEntries(Object.entries(fields as Fields).filter(([name]) => !(name in (names as Fields))));
}
