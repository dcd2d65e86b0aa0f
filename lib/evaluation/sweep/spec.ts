import * as z from "../../zod.ts";
import { type Knobs, type MethodName, methodNames, paperKnobs, type Schema } from "../../attention/mod.ts";
import { type AxisValue, axisValues, axisValuesSchema, type WrittenAxis } from "./axis.ts";
import { parseCondition } from "./expression.ts";
import { mostSobolDimensions } from "./sobol.ts";
import { sweepTask, sweepTasks } from "./tasks.ts";

/** Values of several axes. */
export type Axes = Readonly<Record<string, readonly AxisValue[]>>;

/** A sweep: what varies, and over which task, methods, lengths and seeds. */
export interface SweepSpec {
  /** Its name, for files and headings. */
  name: string;
  /** What it is about, in words. */
  description: string;
  /** Models, an axis of the grid: "demo", folders, URLs or names on the hub. */
  models: readonly string[];
  /** Which knobs the settings start from. */
  preset: "demo" | "paper";
  /** The task's name. */
  task: string;
  /** Its options, those that differ from the defaults. */
  parameters: Readonly<Record<string, AxisValue>>;
  /** Methods, an axis of the grid. */
  methods: readonly MethodName[];
  /** Lengths in tokens, an axis of the grid. */
  lengths: readonly number[];
  /** Seeds: each setting runs once for each. */
  seeds: readonly number[];
  /** Knobs of all settings. */
  set: Partial<Knobs>;
  /** Axes of which every combination runs: knobs, and options of the task as `task.NAME`. */
  sweep: Axes;
  /** Groups of axes that go on together, first with first, second with second. */
  zip: readonly Axes[];
  /** So many settings of the grid instead of all. */
  sample?: { kind: "random" | "sobol"; count: number; seed: number };
  /** Conditions for settings that don't run. */
  exclude: readonly string[];
  /** The setting that others are compared with: values of axes. Default: the preset's, where the grid has them. */
  baseline: Readonly<Record<string, AxisValue>>;
  /** Keeps each trial's selection for its first question. */
  traces: boolean;
}

/** A spec with everything that has a default left out. */
export type SweepSpecInput =
  & Partial<Omit<SweepSpec, "models" | "task" | "parameters" | "seeds" | "lengths" | "zip" | "sweep">>
  & {
    /** The model. Default "demo". */
    model?: string;
    /** Several of them, instead of `model`. */
    models?: readonly string[];
    /** The task by name, or with options. Default "needle". */
    task?: string | Readonly<Record<string, AxisValue>>;
    /** A list, or "0..9". Default "0..9". */
    seeds?: readonly number[] | string;
    /** Default: 2,048. */
    lengths?: readonly number[];
    /** Lists, or ranges such as `{ from: 1, to: 8, factor: 2 }`. */
    sweep?: Readonly<Record<string, WrittenAxis>>;
    /** Groups of lists. */
    zip?: readonly Readonly<Record<string, WrittenAxis>>[];
  };

/** Names of all knobs. */
export const knobNames: readonly string[] = Object.keys(paperKnobs);

const whole = (least: number) => z.int("must be a whole number").check(z.minimum(least, `must be at least ${least}`));
const scalar = z.union([z.number(), z.string(), z.boolean()]);
const scalars = z.record(z.string(), scalar);
const axes = z.record(z.string(), axisValuesSchema);
const method = z.enum(methodNames as [MethodName, ...MethodName[]], {
  error: ({ input }) => `there is no method ${JSON.stringify(input)}; the methods are ${methodNames.join(", ")}`,
});
const seeds = z.union([
  z.array(whole(0)).check(z.minLength(1)),
  z.string().check(z.regex(/^\d+\.\.\d+$/, 'must be a list, or a range such as "0..9"')),
]);

const written = z.strictObject({
  $schema: z.optional(z.string()).check(z.describe("Where editors find this schema.")),
  name: z._default(
    z.string().check(z.regex(/^[\w .-]+$/, "must be letters, digits, blanks, points and dashes")),
    "sweep",
  ).check(z.describe("Name of the sweep, for files and headings.")),
  description: z._default(z.string(), "").check(z.describe("What it is about, in words; stands in the report.")),
  model: z.optional(z.string().check(z.minLength(1))).check(z.describe(
    'The model: "demo" (the embedded one), a folder or URL with config.json, or organization/name on the hub. Default "demo".',
  )),
  models: z.optional(z.array(z.string().check(z.minLength(1))).check(z.minLength(1))).check(z.describe(
    "Several models instead of one, such as training seeds of the same; an axis of the grid. The report shows each, and all of them pooled.",
  )),
  preset: z.optional(z.enum(["demo", "paper"])).check(z.describe(
    'Knobs that the settings start from. Default: "demo" where the embedded model is among the models, else "paper".',
  )),
  task: z._default(z.union([z.string(), z.catchall(z.looseObject({ name: z.string() }), scalar)]), "needle").check(
    z.describe(
      "The task by name, or an object of its name and options.",
    ),
  ),
  methods: z._default(z.array(method).check(z.minLength(1)), ["reattention"]).check(
    z.describe("Attention methods; an axis of the grid."),
  ),
  lengths: z._default(z.array(whole(65)).check(z.minLength(1)), [2048]).check(z.describe(
    "Tokens of a context with one question and its answer; an axis of the grid.",
  )),
  seeds: z._default(seeds, "0..9").check(z.describe(
    'Seeds, a list or "0..9"; each seed is one context, the same for all settings.',
  )),
  set: z._default(scalars, {}).check(z.describe("Knobs of all settings.")),
  sweep: z._default(axes, {}).check(
    z.describe("Axes of which every combination runs: knobs, or options of the task as task.NAME."),
  ),
  zip: z._default(z.array(axes), []).check(
    z.describe("Groups of axes that go on together: spans with their clips, for example."),
  ),
  sample: z.optional(z.strictObject({
    kind: z.enum(["random", "sobol"]).check(z.describe("How settings are drawn from the grid.")),
    count: whole(1).check(z.describe("How many settings.")),
    seed: z._default(whole(0), 1).check(z.describe("Seed of a random sample. Default 1.")),
  })).check(z.describe("Runs so many settings of the grid instead of all.")),
  exclude: z._default(z.array(z.string()), []).check(z.describe(
    'Settings for which one of these conditions holds don\'t run, such as "chunkSize > window - 64".',
  )),
  baseline: z._default(scalars, {}).check(z.describe(
    "The setting that others are compared with, by values of axes. Default: the preset's values, where the grid has them.",
  )),
  traces: z._default(z.boolean(), false).check(
    z.describe("Keeps what each trial's first question selected; the report draws it."),
  ),
});

/** The spec's own checks, and everything completed. */
export const sweepSpecSchema: Schema<SweepSpec> = z.pipe(
  written,
  z.transform((spec, { issues }): SweepSpec => {
    const { $schema: _, task, seeds, sweep, zip, model, models: several, ...rest } = spec;
    if (model !== undefined && several !== undefined) {
      issues.push({ code: "custom", input: spec, path: ["model"], message: "give model or models, not both" });
    }
    const models = [...new Set(several ?? [model ?? "demo"])];
    const { name, ...parameters } = typeof task === "string" ? { name: task } : task as Record<string, AxisValue>;
    const complete: SweepSpec = {
      ...rest,
      models,
      set: rest.set as Partial<Knobs>,
      preset: spec.preset ?? (models.includes("demo") ? "demo" : "paper"),
      task: String(name),
      parameters: parameters as Record<string, AxisValue>,
      seeds: [...new Set(typeof seeds === "string" ? seedRange(seeds) : seeds)],
      methods: [...new Set(rest.methods)],
      lengths: [...new Set(rest.lengths)],
      sweep: mapped(sweep, axisValues),
      zip: zip.map((group) => mapped(group, axisValues)),
    };
    for (const [path, message] of faults(complete)) {
      issues.push({ code: "custom", input: spec, path: path.split("/"), message });
    }
    return complete;
  }),
);

function mapped<From, To>(record: Readonly<Record<string, From>>, act: (value: From) => To): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, act(value)]));
}

function seedRange(text: string): number[] {
  const [from, to] = text.split("..").map(Number);
  return Array.from({ length: Math.max(0, Math.min(to - from + 1, 1_000_000)) }, (_, index) => from + index);
}

/** Names that a condition may hold. */
export function conditionNames({ task }: Pick<SweepSpec, "task">): string[] {
  return [...knobNames, "model", "method", "length", ...parameterNames(task)];
}

function parameterNames(task: string): string[] {
  const { properties = {} } = z.toJSONSchema(sweepTask(task).schema as unknown as z.ZodMiniType, { io: "input" });
  return Object.keys(properties).map((name) => `task.${name}`);
}

function faults(spec: SweepSpec): [path: string, message: string][] {
  const found: [string, string][] = [];
  const attempt = (path: string, act: () => void) => {
    try {
      act();
    } catch (error) {
      found.push([path, (error as Error).message]);
    }
  };
  attempt("task", () => sweepTask(spec.task));
  if (found.length > 0) return found;
  if (spec.seeds.length === 0) found.push(["seeds", "a range must rise"]);
  const known = conditionNames(spec);
  const axisNames = known.filter((name) => !["model", "method", "length"].includes(name));
  const check = (path: string, names: readonly string[], allowed: readonly string[]) => {
    for (const name of names) {
      if (!allowed.includes(name)) found.push([path, `there is no ${name}; there are ${allowed.join(", ")}`]);
    }
  };
  check("set", Object.keys(spec.set), knobNames);
  check("sweep", Object.keys(spec.sweep), axisNames);
  check("baseline", Object.keys(spec.baseline), known);
  const all = [...Object.keys(spec.sweep), ...spec.zip.flatMap((group) => Object.keys(group))];
  for (const name of new Set(all.filter((name, index) => all.indexOf(name) !== index))) {
    found.push(["sweep", `${name} stands in more than one place of sweep and zip`]);
  }
  for (const name of all.filter((name) => name in spec.set)) found.push(["set", `${name} is swept as well`]);
  spec.zip.forEach((group, index) => {
    check(`zip/${index}`, Object.keys(group), axisNames);
    const lengths = new Set(Object.values(group).map((values) => values.length));
    if (lengths.size > 1) found.push([`zip/${index}`, "lists that go on together must be of one length"]);
  });
  spec.exclude.forEach((text, index) => attempt(`exclude/${index}`, () => parseCondition(text, known)));
  if (spec.sample?.kind === "sobol" && Object.keys(spec.sweep).length + spec.zip.length + 3 > mostSobolDimensions) {
    found.push(["sample", `a Sobol sample has at most ${mostSobolDimensions - 3} axes`]);
  }
  return found;
}

/**
 * Checks a spec and completes it.
 *
 * @throws {RangeError} naming each field that is wrong and what would be right.
 *
 * @example
 * ```ts
 * import { parseSweepSpec } from "@reattention/toolkit/evaluation";
 * import { assertEquals, assertThrows } from "@std/assert";
 *
 * const spec = parseSweepSpec({ sweep: { k: [1, 4, 8] }, seeds: "0..4" });
 * assertEquals([spec.sweep.k.length, spec.seeds.length, spec.task], [3, 5, "needle"]);
 * assertThrows(() => parseSweepSpec({ sweep: { kk: [1] } }), RangeError, "there is no kk");
 * ```
 */
export function parseSweepSpec(value: unknown): SweepSpec {
  const parsed = sweepSpecSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error as z.core.$ZodError;
  throw new RangeError(
    `spec: ${issues.map(({ path, message }) => `${path.join(".") || "it"}: ${message}`).join("; ")}`,
  );
}

/** A spec as it can be written and read again. */
export function specFields({ parameters, task, models, ...spec }: SweepSpec): Record<string, unknown> {
  // One model under its own name: files of before there were several hold it so.
  const named = models.length === 1 ? { model: models[0] } : { models };
  return JSON.parse(JSON.stringify({ ...spec, ...named, task: { name: task, ...parameters } }));
}

/**
 * JSON Schema of spec files, for editors.
 *
 * @example
 * ```ts
 * import { sweepSpecJsonSchema } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals("sweep" in (sweepSpecJsonSchema().properties as object), true);
 * ```
 */
export function sweepSpecJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(written, { io: "input" }) as { properties: Record<string, Record<string, unknown>> };
  const tasks = sweepTasks.map(({ name, schema }) => {
    const options = z.toJSONSchema(schema as unknown as z.ZodMiniType, { io: "input" }) as Record<string, unknown>;
    const { $schema: _, properties, ...rest } = options;
    return { ...rest, properties: { name: { const: name }, ...properties as object }, required: ["name"] };
  });
  schema.properties.task = {
    description: schema.properties.task.description,
    anyOf: [{ type: "string", enum: sweepTasks.map(({ name }) => name) }, ...tasks],
  };
  // Editors offer what stands under properties.
  for (const name of ["set", "sweep"]) {
    const { additionalProperties } = schema.properties[name];
    schema.properties[name].properties = Object.fromEntries(knobNames.map((knob) => [knob, additionalProperties]));
  }
  return schema;
}
