import { z } from "zod";

/** What a case's time is set against. */
export type LimitKind = "multiply-add" | "copy";

const share = z.number().min(0).max(1);

/** What an approximation costs: how far it selects as exact selection does, and how often it answers right. */
const qualitySchema = z.object({
  /** The model it was measured on, in the same run. */
  model: z.string().min(1),
  /** Of the tokens that exact selection picks in a decode step, those attended to; mean of steps, layers and groups of heads. */
  agreement: share,
  /** Least agreement of a step. */
  leastAgreement: share,
  /** Decode steps compared. */
  steps: z.int().positive(),
  /** Share of needle questions answered exactly right. */
  accuracy: share,
  /** The same of exact selection, on the same questions. */
  accuracyOfExact: share,
  /** How many. */
  questions: z.int().positive(),
  /** Lengths of their contexts. */
  lengths: z.array(z.int().positive()).min(1),
}).strict();

/** One line of the benchmark. */
export const rowSchema = z.object({
  /** What is measured: matmul, attention, ... */
  group: z.string().min(1),
  /** Sizes, such as "1024x1024x1024" (rows, depth, columns). */
  shape: z.string(),
  /** Storage of the operands. */
  dtype: z.string(),
  /** "ours", or the peer's name. */
  implementation: z.string().min(1),
  /** Median of a run: of a GPU with timestamps its kernels' time, by the clock elsewhere. */
  milliseconds: z.number().positive(),
  /** Slowest less fastest of the repeats, in milliseconds. */
  spread: z.number().nonnegative(),
  /** Median wall time of a run, waiting for the GPU included. */
  wallMilliseconds: z.number().positive(),
  /** Median GPU time of the kernels of a run; null where it is not told. */
  gpuMilliseconds: z.number().positive().nullable(),
  /** Rate as a share of the limit's; null where no limit applies. */
  shareOfLimit: z.number().nullable(),
  /** The limit that applies. */
  limit: z.enum(["multiply-add", "copy"]).nullable(),
  /** Floating-point operations, or bytes read and written, of a run. */
  amount: z.number().positive().nullable(),
  /** Largest relative error found before the time counted. */
  error: z.number().nonnegative().nullable(),
  /** What else the case tells: ratios, tokens a second. */
  notes: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
  /** Of an approximation: what it costs; missing in files made before it was measured. */
  quality: qualitySchema.optional(),
}).strict();

/** The row that tells what the adapter can do. */
const limitsSchema = z.object({
  group: z.literal("limits"),
  shape: z.literal(""),
  dtype: z.literal("f32"),
  implementation: z.literal("ours"),
  /** Time of the fastest multiply-add probe. */
  milliseconds: z.number().positive(),
  spread: z.number().nonnegative(),
  shareOfLimit: z.literal(1),
  /** Floating-point operations a second, a multiply-add counted as two. */
  multiplyAddsFlops: z.number().positive(),
  /** Bytes read and written a second by the fastest copy. */
  copyBytesPerSecond: z.number().positive(),
  /** Bytes a second by the fastest kernel that only reads; missing in files made before it was measured. */
  readBytesPerSecond: z.number().positive().optional(),
  /** The probes that were fastest. */
  probes: z.record(z.string(), z.string()),
}).strict();

/** A result file. */
export const benchSchema = z.object({
  schema: z.literal(1),
  adapter: z.string(),
  date: z.string(),
  versions: z.record(z.string(), z.string()),
  rows: z.array(z.union([limitsSchema, rowSchema])),
}).strict();

/** What an approximation costs. */
export type Quality = z.infer<typeof qualitySchema>;
/** One measured case of one implementation. */
export type Row = z.infer<typeof rowSchema>;
/** What the adapter can do. */
export type LimitsRow = z.infer<typeof limitsSchema>;
/** A result file. */
export type BenchFile = z.infer<typeof benchSchema>;
