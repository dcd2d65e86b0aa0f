import type { AttendedLayer } from "../../../lib/viz/attended_spans.ts";
import type { TokenRange, TokenText } from "../../../lib/viz/token_range.ts";

/** A head's weights over the tokens it attended to. */
interface HeadWeights {
  readonly layer: number;
  readonly head: number;
  readonly positions: ArrayLike<number>;
  readonly weights: ArrayLike<number>;
}

/** What the map of spans shows, in words: how much of the needle each layer attended to; nothing without a needle. */
export function selectionNote(layers: readonly AttendedLayer[], needle: TokenRange | undefined): string {
  if (!needle) return "";
  const reached = layers.map(({ layer, groups }) => {
    const tokens = new Set(groups.flatMap(({ indices }) => Array.from(indices)).filter((token) => isIn(needle, token)));
    return `layer ${layer} to ${tokens.size}`;
  });
  return `Of the needle's ${needle.end - needle.start} tokens, ${reached.join(", ")}.`.replace(" to ", " attended to ");
}

/** What the figures of one head show, in words. */
export function attentionNote(
  { layer, head, positions, weights }: HeadWeights,
  { text, needle }: { readonly text: TokenText; readonly needle?: TokenRange },
): string {
  let most = 0;
  for (let at = 1; at < weights.length; at++) if (weights[at] > weights[most]) most = at;
  const token = positions[most];
  const words = text(token, token + 1).trim();
  const top = `Layer ${layer}, head ${head}: the most weight, ${share(weights[most])}, is on token ${token}` +
    (words && ` ("${words}")`);
  if (!needle) return `${top}.`;
  return `${top}; the needle has ${share(massOn(needle, { layer, head, positions, weights }))} in all.`;
}

/** A head's weight on the needle; without one, its greatest weight. */
export function massOn(needle: TokenRange | undefined, { positions, weights }: HeadWeights): number {
  let [sum, most] = [0, 0];
  for (let at = 0; at < weights.length; at++) {
    if (weights[at] > most) most = weights[at];
    if (needle && isIn(needle, positions[at])) sum += weights[at];
  }
  return needle ? sum : most;
}

function isIn({ start, end }: TokenRange, token: number): boolean {
  return token >= start && token < end;
}

function share(weight: number): string {
  return weight.toFixed(weight >= 0.01 || weight === 0 ? 2 : 4);
}
