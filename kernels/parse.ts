/** Reads what the host needs to know of a kernel out of its WGSL text: scalar parameters and bindings. */

/** Types a kernel's parameters may have. */
export type ParamType = "u32" | "i32" | "f32";

/** How a kernel uses a binding. */
export type BindingKind = "uniform" | "read" | "write" | "image";

/** What a kernel's text says about it. */
export interface ParsedKernel {
  /** File name without its ending. */
  readonly name: string;
  /** The WGSL text with its comments, lines ended by "\n". */
  readonly text: string;
  /** Fields of `struct Params`, in order. */
  readonly params: readonly { readonly name: string; readonly type: ParamType }[];
  /** Bindings of group 0, in order. */
  readonly bindings: readonly { readonly binding: number; readonly name: string; readonly kind: BindingKind }[];
}

/** A kernel file that breaks a rule of kernels/; the message names file and line. */
export class KernelFormatError extends Error {
  /** @param place file and line */
  constructor(readonly place: string, problem: string) {
    super(`${place}: ${problem}`);
    this.name = "KernelFormatError";
  }
}

/** Throws, with the line of a position in the text. */
type Complain = (at: number, problem: string) => never;

const HEADER_LINES = ["Shapes:", "Dispatch:", "Source:"];
const SCALARS: readonly string[] = ["u32", "i32", "f32"];

/**
 * Reads one kernel.
 *
 * @param file path of the file, for messages; its stem is the kernel's name
 * @throws {KernelFormatError} if the text breaks a rule: header, entry point, Params, or bindings.
 */
export function parseKernel(file: string, source: string): ParsedKernel {
  const text = source.replaceAll("\r\n", "\n");
  const stem = file.split(/[\\/]/).at(-1)!.replace(/\.wgsl$/, "");
  const complain: Complain = (at, problem) => {
    throw new KernelFormatError(`${file}:${text.slice(0, at).split("\n").length}`, problem);
  };
  if (!/^[a-z][a-z0-9_]*$/.test(stem)) complain(0, `the kernel's name is "${stem}", expected snake_case`);
  checkHeader(text, complain);
  const code = withoutComments(text, complain);
  checkEntryPoint(code, complain);
  return { name: stem, text, params: parseParams(code, complain), bindings: parseBindings(code, complain) };
}

function checkHeader(text: string, complain: Complain): void {
  const header: string[] = [];
  for (const line of text.split("\n")) {
    if (!line.startsWith("//")) break;
    header.push(line);
  }
  for (const wanted of HEADER_LINES) {
    if (header.some((line) => line.slice(2).trim().startsWith(wanted))) continue;
    complain(0, `the file must start with a // comment that has a line "${wanted}"`);
  }
}

/** Blanks comments out and keeps every position, so that errors name the right line. WGSL's block comments nest. */
function withoutComments(text: string, complain: Complain): string {
  let code = "";
  let depth = 0;
  let opened = 0;
  for (const { 0: part, index } of text.matchAll(/\/\*|\*\/|\/\/[^\n]*|[\s\S]/g)) {
    if (part === "/*") {
      if (depth++ === 0) opened = index;
    }
    const hidden = depth > 0 || part.startsWith("//");
    code += hidden ? part.replace(/[^\n]/g, " ") : part;
    if (part === "*/") depth = Math.max(0, depth - 1);
  }
  if (depth > 0) complain(opened, "this block comment never ends");
  return code;
}

function checkEntryPoint(code: string, complain: Complain): void {
  const entries = [...code.matchAll(/@(compute|vertex|fragment)\b[^{;]*?\bfn\s+(\w+)/g)];
  if (entries.length !== 1 || entries[0][1] !== "compute" || entries[0][2] !== "main") {
    const found = entries.map((entry) => `@${entry[1]} ${entry[2]}`).join(", ") || "none";
    complain(entries[1]?.index ?? entries[0]?.index ?? 0, `expected one entry point, @compute main; found ${found}`);
  }
}

function parseParams(code: string, complain: Complain): ParsedKernel["params"] {
  const structs = [...code.matchAll(/\bstruct\s+Params\s*\{([^}]*)\}/g)];
  if (structs.length !== 1) {
    complain(structs[1]?.index ?? 0, `expected one "struct Params { ... }", found ${structs.length}`);
  }
  const [struct] = structs;
  let at = struct.index + struct[0].indexOf("{") + 1;
  const params: { name: string; type: ParamType }[] = [];
  for (const part of struct[1].split(",")) {
    const field = part.trim();
    const place = at + part.indexOf(field);
    at += part.length + 1;
    if (field === "") continue;
    const match = field.match(/^(\w+)\s*:\s*(\w+)$/);
    if (!match || !SCALARS.includes(match[2])) {
      complain(place, `Params holds "${field}", expected "name: u32", "name: i32" or "name: f32"`);
    }
    if (params.some(({ name }) => name === match![1])) complain(place, `Params has two fields named ${match![1]}`);
    params.push({ name: match![1], type: match![2] as ParamType });
  }
  if (params.length === 0) complain(struct.index, "Params has no field");
  return params;
}

function parseBindings(code: string, complain: Complain): ParsedKernel["bindings"] {
  const bindings: { binding: number; name: string; kind: BindingKind }[] = [];
  const pattern = /((?:@\w+\s*(?:\([^)]*\))?\s*)*)\bvar\s*(?:<([^>]*)>)?\s*(\w+)\s*(?::\s*([^;=]+))?/g;
  for (const { 0: whole, 1: attributes, 2: space = "", 3: name, 4: type = "", index } of code.matchAll(pattern)) {
    const [address, access = "read"] = space.split(",").map((word) => word.trim());
    if (attributes === "" && address !== "uniform" && address !== "storage") continue;
    const at = index + whole.search(/\S/);
    const found = attribute(attributes, "binding");
    const group = attribute(attributes, "group");
    if (group !== 0) complain(at, `${name} is in group ${group ?? "none"}, expected @group(0)`);
    if (found !== bindings.length) {
      complain(
        at,
        `${name} has binding ${found ?? "none"}, expected @binding(${bindings.length}): they count up from 0`,
      );
    }
    const kind = isImage(address, type) ? "image" : kindOf(address, access, name, at, complain);
    bindings.push({ binding: bindings.length, name, kind });
    const isParams = address === "uniform" && type.trim() === "Params" && name === "params";
    const first = bindings.length === 1;
    if (first !== isParams || (!first && address === "uniform")) {
      complain(at, `${name} at binding ${found}: binding 0, and no other, is "var<uniform> params: Params"`);
    }
  }
  if (bindings.length === 0) {
    complain(0, 'no binding found, expected "@group(0) @binding(0) var<uniform> params: Params;"');
  }
  return bindings;
}

function attribute(attributes: string, name: string): number | undefined {
  const match = attributes.match(new RegExp(`@${name}\\s*\\(\\s*(\\d+)[ui]?\\s*\\)`));
  return match ? Number(match[1]) : undefined;
}

/** Four floats a texel, only read. */
function isImage(address: string, type: string): boolean {
  return address === "" && /^texture_storage_2d\s*<\s*rgba32float\s*,\s*read\s*>$/.test(type.trim());
}

function kindOf(address: string, access: string, name: string, at: number, complain: Complain): BindingKind {
  if (address === "uniform") return "uniform";
  if (address === "storage" && access === "read") return "read";
  if (address === "storage" && access === "read_write") return "write";
  return complain(
    at,
    `${name} is var<${address}, ${access}>, expected uniform, storage read, storage read_write or an image`,
  );
}
