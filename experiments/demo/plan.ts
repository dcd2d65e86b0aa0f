import { type Knobs, type MethodName, methodNames } from "../../lib/attention/mod.ts";
import type { AskStyle, NeedleVariant } from "../../lib/evaluation/mod.ts";

/** Contexts of one length, read by one method; each way of asking gives a row of the table. */
export interface DemoJob {
  /** What the rows call the method. */
  label: string;
  /** The attention method. */
  method: MethodName;
  /** Tokens of a context together with one question and its answer. */
  length: number;
  /** Contexts to read. */
  haystacks: number;
  /** Questions about each needle in each way of asking. */
  questionsPerNeedle: number;
  /** What is hidden. */
  variant: NeedleVariant;
  /** Ways of asking. */
  asks: readonly AskStyle[];
  /** What differs from the model's preset. */
  knobs: Partial<Knobs>;
}

/** What was asked for on the command line. */
export interface AskedPlan {
  /** The strict figures instead of the short table. */
  full?: boolean;
  /** Only these lengths. */
  lengths?: readonly number[];
  /** Only these methods. */
  methods?: readonly MethodName[];
}

/** Where it runs. */
export interface PlanContext {
  /** Tokens the model was trained with. */
  trainedContext: number;
  /** Whether the adapter is a software one, on which selecting in every chunk is left out past 8,192 tokens. */
  software: boolean;
}

/** What rows call ReAttention with `positions: "original"`. */
export const ORIGINAL_POSITIONS = "reattention (original)";

/** Whether a method's cost of a token stays the same however long the context is. */
export function isBounded(method: MethodName): boolean {
  return method === "streaming" || method === "reattention-window";
}

/** Needles in every context. */
export const NEEDLES = 4;

/** The answer's opening words are given; wordings of the question in turn. */
const VALUE: AskStyle = { wording: "varied", opening: true };
/** The model writes the whole answer. */
const WHOLE: AskStyle = { wording: "varied", opening: false };
const UNSEEN: AskStyle = { wording: "unseen", opening: false };

interface PlanRow {
  readonly length: number;
  readonly haystacks: number;
  readonly questionsPerNeedle: number;
  readonly methods: readonly MethodName[];
}

/** Methods of the demo; others run where they are asked for. */
export const ALL: readonly MethodName[] = ["full", "streaming", "reattention", "reattention-window"];

/** The short table: 20 questions and more a figure, everything together under five minutes on two cores. */
const SHORT: readonly PlanRow[] = [
  { length: 512, haystacks: 5, questionsPerNeedle: 1, methods: ALL },
  { length: 2048, haystacks: 5, questionsPerNeedle: 1, methods: ALL },
  { length: 4096, haystacks: 2, questionsPerNeedle: 3, methods: ["full", "streaming", "reattention-window"] },
  { length: 8192, haystacks: 2, questionsPerNeedle: 3, methods: ["streaming", "reattention", "reattention-window"] },
  { length: 32768, haystacks: 1, questionsPerNeedle: 5, methods: ["reattention-window"] },
  { length: 131072, haystacks: 1, questionsPerNeedle: 5, methods: ["reattention-window"] },
];

/** The strict figures: at least 10 haystacks and 50 questions each, 5 haystacks at the longest. */
const FULL: readonly PlanRow[] = [
  { length: 512, haystacks: 13, questionsPerNeedle: 1, methods: ALL },
  { length: 2048, haystacks: 13, questionsPerNeedle: 1, methods: ALL },
  { length: 4096, haystacks: 13, questionsPerNeedle: 1, methods: ALL },
  { length: 8192, haystacks: 13, questionsPerNeedle: 1, methods: ALL },
  { length: 32768, haystacks: 10, questionsPerNeedle: 2, methods: ["streaming", "reattention", "reattention-window"] },
  { length: 131072, haystacks: 5, questionsPerNeedle: 3, methods: ["reattention", "reattention-window"] },
];

/** Lengths at which the model also writes whole answers, and answers questions worded like none of the training. */
const WHOLE_AT = [512, 8192, 32768, 131072];
const UNSEEN_AT = [512, 8192];

const HARDER: readonly NeedleVariant[] = ["look-alike", "look-alike-apart", "chain", "chain-direct"];
const HARDER_AT: readonly { length: number; method: MethodName }[] = [
  { length: 512, method: "full" },
  { length: 8192, method: "reattention" },
];

/** Longest contexts on a software adapter, in full, of methods whose work grows with the square of the length. */
const SOFTWARE_LIMIT: Partial<Record<MethodName, number>> = { full: 4096, reattention: 8192 };

/** Lengths that run where none are asked for. */
export const plannedLengths: readonly number[] = SHORT.map(({ length }) => length);

/** The jobs to run, shortest contexts first. A length that is not in the plan runs as the next longer one there does. */
export function planJobs(asked: AskedPlan, context: PlanContext): DemoJob[] {
  const plan = asked.full ? FULL : SHORT;
  const plain = (asked.lengths ?? plan.map(({ length }) => length)).flatMap((length) => {
    const row = plan.find((row) => row.length >= length) ?? plan[plan.length - 1];
    const methods = asked.methods ?? row.methods.filter((method) => feasible(method, length, asked, context));
    return methods.flatMap((method) =>
      jobsOf({ ...row, length, methods: [method] }, "plain", asked.full ? asksOf(method, length) : [VALUE], context)
    );
  });
  return asked.full ? [...plain, ...harderJobs(asked, context)] : plain;
}

function feasible(method: MethodName, length: number, asked: AskedPlan, { software }: PlanContext): boolean {
  return !asked.full || !software || length <= (SOFTWARE_LIMIT[method] ?? Infinity);
}

/** All ways of asking where the method is expected to answer; the easiest elsewhere. */
function asksOf(method: MethodName, length: number): AskStyle[] {
  const answers = method === "full" ? length <= 512 : method !== "streaming";
  const whole = answers && WHOLE_AT.includes(length) ? [WHOLE] : [];
  return [VALUE, ...whole, ...(whole.length > 0 && UNSEEN_AT.includes(length) ? [UNSEEN] : [])];
}

/** Original positions, which have to fail past the trained context, and the harder variants. */
function harderJobs(asked: AskedPlan, context: PlanContext): DemoJob[] {
  const wanted = HARDER_AT.filter(({ length, method }) =>
    (asked.lengths?.includes(length) ?? true) && (asked.methods?.includes(method) ?? true) &&
    // On a software adapter the row above has said what selecting in every chunk does.
    (!context.software || method === "full" || asked.methods !== undefined)
  );
  return wanted.flatMap(({ length, method }) => {
    const row = { length, haystacks: 13, questionsPerNeedle: 1, methods: [method] };
    const original = method !== "reattention" ? [] : jobsOf(row, "plain", [VALUE], context).map((job) => ({
      ...job,
      label: ORIGINAL_POSITIONS,
      knobs: { ...job.knobs, positions: "original" as const },
    }));
    const harder = HARDER.flatMap((variant) => jobsOf(row, variant, [variant === "chain" ? WHOLE : VALUE], context));
    return [...original, ...harder];
  });
}

function jobsOf(
  { length, haystacks, questionsPerNeedle, methods }: PlanRow,
  variant: NeedleVariant,
  asks: readonly AskStyle[],
  { trainedContext }: PlanContext,
): DemoJob[] {
  return methodNames.filter((name) => methods.includes(name)).map((method) => ({
    label: method,
    method,
    length,
    haystacks,
    questionsPerNeedle,
    variant,
    asks,
    // The other methods' scope is bounded by their knobs, which fit the trained context.
    knobs: method === "full" && length > trainedContext ? { allowBeyondTrained: true } : {},
  }));
}

/** The job whose selection is pictured: the longest plain one of the methods that select. */
export function picturedJob(jobs: readonly DemoJob[]): DemoJob | undefined {
  const selecting = jobs.filter(({ label, variant }) => variant === "plain" && /^reattention[a-z-]*$/.test(label));
  return selecting.toSorted((a, b) => a.length - b.length).at(-1);
}
