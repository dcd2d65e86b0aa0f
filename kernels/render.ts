import type { ParsedKernel } from "./parse.ts";

const HEAD = `/**
 * The kernels of this folder as TypeScript, for places that can't import .wgsl files.
 * Written by \`deno task kernels\`: change the .wgsl files, not this one.
 *
 * @module
 */

/** One scalar of a kernel's parameter block. */
export interface KernelParam {
  /** Field name in \`struct Params\`. */
  readonly name: string;
  /** Field type. */
  readonly type: "u32" | "i32" | "f32";
}

/** One binding of a kernel, all of them in group 0. */
export interface KernelBinding {
  /** Its number. */
  readonly binding: number;
  /** The variable's name. */
  readonly name: string;
  /** The parameter block, a buffer that is only read, one that is written too, or an image that is only read. */
  readonly kind: "uniform" | "read" | "write" | "image";
}

/** A kernel: its text and what the host must know to call it. */
export interface KernelSource {
  /** File name without its ending. */
  readonly name: string;
  /** The WGSL text; its entry point is \`main\`. */
  readonly text: string;
  /** Fields of \`struct Params\`, in order. */
  readonly params: readonly KernelParam[];
  /** Bindings of group 0, in order; binding 0 is the parameter block. */
  readonly bindings: readonly KernelBinding[];
}
`;

/** A piece of WGSL that several kernels use. */
export interface KernelPart {
  /** File name without its ending. */
  readonly name: string;
  /** Its text. */
  readonly text: string;
}

/** The text of sources.ts: the same for the same kernels and parts, in whatever order they come. */
export function renderSources(kernels: readonly ParsedKernel[], parts: readonly KernelPart[] = []): string {
  const sorted = kernels.toSorted((a, b) => a.name < b.name ? -1 : 1);
  const names = sorted.map(({ name }) => JSON.stringify(name));
  const union = names.length ? "\n  | " + names.join("\n  | ") : " never";
  const entries = sorted.map(renderKernel).join("");
  return `${HEAD}
/** Names of all kernels. */
export type KernelName =${union};

/** All kernels by name. */
export const kernels: Readonly<Record<KernelName, KernelSource>> = {
${entries}};

/** What kernels share: the text of parts/NAME.wgsl, put behind a kernel that says \`// uses parts/NAME.wgsl\`. */
export const parts: Readonly<Record<string, string>> = {
${parts.toSorted((a, b) => a.name < b.name ? -1 : 1).map(renderPart).join("")}};
`;
}

function renderPart({ name, text }: KernelPart): string {
  return `  ${name}: ${quoted(text)},\n`;
}

/** As a template literal. */
function quoted(text: string): string {
  return `\`${text.replace(/[\\`]|\$\{/g, "\\$&")}\``;
}

function renderKernel({ name, text, params, bindings }: ParsedKernel): string {
  return [
    `  ${name}: {`,
    `    name: ${JSON.stringify(name)},`,
    "    params: [",
    ...params.map((param) => `      { name: "${param.name}", type: "${param.type}" },`),
    "    ],",
    "    bindings: [",
    ...bindings.map(({ binding, name, kind }) => `      { binding: ${binding}, name: "${name}", kind: "${kind}" },`),
    "    ],",
    `    text: ${quoted(text)},`,
    "  },\n",
  ].join("\n");
}
