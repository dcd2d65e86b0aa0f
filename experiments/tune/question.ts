import type { Device, KernelOption } from "../../lib/gpu/mod.ts";
import type { BenchCase } from "../bench/bench_case.ts";

/** What is to be tuned: options of a kernel, and a case that shows which is fastest. */
export interface Question {
  /** The name under which an answer is looked up. */
  readonly name: string;
  /** What there is to choose from. */
  readonly options: readonly KernelOption[];
  /** Name of the option that runs where nothing was tuned. */
  usual(device: Device): string;
  /** What is timed. */
  readonly item: BenchCase;
}
