import type { PeerWork } from "./bench_case.ts";
import type { Contender } from "./clock.ts";

/** Another library, in a process of its own. */
export interface Peer extends Contender, Disposable {
  /** Its name and version. */
  readonly name: string;
  /** Makes ready for a case: the error of its result, or why it can't. */
  prepare(work: PeerWork & { expected(): Float64Array }): Promise<number | string>;
}
