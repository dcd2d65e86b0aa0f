import type { Model } from "../../lib/model/mod.ts";
import type { Progress } from "../command/progress.ts";

/** What an evaluation runs on. */
export interface EvaluateOn {
  readonly model: Model;
  readonly progress: Pick<Progress, "update" | "clear">;
  readonly signal: AbortSignal;
}
