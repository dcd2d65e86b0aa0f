import * as z from "../../zod.ts";
import { bytesOf, type StoredType } from "./element_types.ts";
import { ModelFileError, parseStrictJson } from "../model_file_error.ts";

/** What a file says about one of its tensors. */
export interface TensorEntry {
  /** How its elements are stored. */
  readonly dtype: StoredType;
  /** Its sizes, row-major; empty for a single number. */
  readonly shape: readonly number[];
}

/** An entry with its place in the file, in bytes from the file's start. */
export interface PlacedEntry extends TensorEntry {
  /** First byte. */
  readonly start: number;
  /** One past the last byte. */
  readonly end: number;
}

/** What a header holds. */
export interface SafetensorsHeader {
  /** Tensors by name, in the file's order. */
  readonly entries: ReadonlyMap<string, PlacedEntry>;
  /** The file's own notes (`__metadata__`). */
  readonly metadata: Readonly<Record<string, string>>;
}

/** The format's own limit on the header. */
const MOST_HEADER_BYTES = 100_000_000;

interface RawEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const size: z.ZodMiniType<number> = z.custom<number>((value) => Number.isSafeInteger(value) && (value as number) >= 0, {
  error: (issue) => `must be a whole number of at least 0, not ${JSON.stringify(issue.input)}`,
});
const rawEntrySchema: z.ZodMiniType<RawEntry> = z.object({
  dtype: z.string("must be the name of a stored type"),
  shape: z.array(size, "must be a list of sizes"),
  data_offsets: z.tuple([size, size], "must be two offsets"),
}, "must be an object with dtype, shape and data_offsets");
const metadataSchema: z.ZodMiniType<Record<string, string>> = z.record(z.string(), z.string("must be a string"));

/**
 * Length of the header in bytes, from a file's first eight.
 *
 * @param file what to call the file in messages
 * @param fileSize bytes of the whole file
 * @throws {ModelFileError} if the file is too short, or the length can't be right.
 */
export function headerLength(file: string, first: Uint8Array, fileSize: number): number {
  if (fileSize < 8) {
    throw new ModelFileError(`${file}: has ${fileSize} bytes; a safetensors file starts with an 8-byte header length`);
  }
  const length = Number(new DataView(first.buffer, first.byteOffset, 8).getBigUint64(0, true));
  if (length > MOST_HEADER_BYTES) {
    throw new ModelFileError(
      `${file}: says its header has ${length} bytes; the format's limit is ${MOST_HEADER_BYTES}: not a safetensors file?`,
    );
  }
  if (8 + length > fileSize) {
    throw new ModelFileError(
      `${file}: says its header has ${length} bytes, but the file ends after ${fileSize}: it is cut short`,
    );
  }
  return length;
}

/**
 * Parses and checks a header (the JSON after the length): names, stored types, and that every tensor's bytes
 * lie inside the file, are as many as its shape needs, and are no other tensor's.
 *
 * @param file what to call the file in messages
 * @param fileSize bytes of the whole file
 * @throws {ModelFileError} naming file and tensor.
 */
export function parseHeader(file: string, header: Uint8Array, fileSize: number): SafetensorsHeader {
  const json = parseStrictJson(new TextDecoder().decode(header), `${file}: header`);
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new ModelFileError(`${file}: header must be a JSON object`);
  }
  const { __metadata__: notes, ...tensors } = json as Record<string, unknown>;
  const metadata = metadataSchema.safeParse(notes ?? {});
  if (!metadata.success) throw new ModelFileError(`${file}: __metadata__: ${firstFault(metadata.error)}`);
  const data = 8 + header.length;
  const entries = new Map<string, PlacedEntry>();
  for (const [name, raw] of Object.entries(tensors)) {
    entries.set(name, placed(`${file}: tensor "${name}"`, raw, data, fileSize));
  }
  refuseOverlapsAndGaps(file, entries, data, fileSize);
  return { entries, metadata: metadata.data };
}

function firstFault(error: z.core.$ZodError): string {
  const { path, message } = error.issues[0];
  return path.length ? `${path.join(".")} ${message}` : message;
}

function placed(what: string, raw: unknown, data: number, fileSize: number): PlacedEntry {
  const parsed = rawEntrySchema.safeParse(raw);
  if (!parsed.success) throw new ModelFileError(`${what}: ${firstFault(parsed.error)}`);
  const { dtype, shape, data_offsets: [from, to] } = parsed.data;
  if (!Object.hasOwn(bytesOf, dtype)) {
    throw new ModelFileError(`${what}: dtype "${dtype}" is none of ${Object.keys(bytesOf).join(", ")}`);
  }
  const needed = shape.reduce((product, length) => product * length, bytesOf[dtype as StoredType]);
  if (to < from || to - from !== needed) {
    throw new ModelFileError(
      `${what}: ${dtype} [${shape}] needs ${needed} bytes, but data_offsets ${from} to ${to} hold ${to - from}`,
    );
  }
  if (data + to > fileSize) {
    throw new ModelFileError(
      `${what}: its bytes go up to ${data + to}, but the file ends after ${fileSize}: it is cut short`,
    );
  }
  return { dtype: dtype as StoredType, shape, start: data + from, end: data + to };
}

/** The format packs tensors without gaps up to the file's end; where that is not so, something was lost or put in. */
function refuseOverlapsAndGaps(
  file: string,
  entries: ReadonlyMap<string, PlacedEntry>,
  data: number,
  fileSize: number,
): void {
  const filled = [...entries].filter(([, entry]) => entry.end > entry.start);
  filled.sort(([, left], [, right]) => left.start - right.start);
  let end = data;
  let before = "";
  for (const [name, entry] of filled) {
    if (entry.start < end) {
      throw new ModelFileError(`${file}: tensors "${before}" and "${name}" share bytes ${entry.start} to ${end}`);
    }
    if (entry.start > end) throw new ModelFileError(`${file}: bytes ${end} to ${entry.start} belong to no tensor`);
    [before, end] = [name, entry.end];
  }
  if (end < fileSize) throw new ModelFileError(`${file}: bytes ${end} to ${fileSize} belong to no tensor`);
}
