/** The best of a list of scores. */
export interface BestTokens {
  /** Places of the best, best first; among equals the lower place first. */
  readonly tokens: Uint32Array<ArrayBuffer>;
  /** Their scores. */
  readonly scores: Float32Array<ArrayBuffer>;
}

/** The k best scores of a list, as the selection's kernels rank them; NaN ranks below every number. */
export function bestTokens(scores: ArrayLike<number>, k: number): BestTokens {
  const best: number[] = [];
  for (let token = 0; token < scores.length; token++) {
    if (best.length === k) {
      if (k === 0 || !ranksAbove(scores[token], scores[best[k - 1]])) continue;
      best.pop();
    }
    let place = best.length;
    while (place > 0 && ranksAbove(scores[token], scores[best[place - 1]])) place--;
    best.splice(place, 0, token);
  }
  return { tokens: Uint32Array.from(best), scores: Float32Array.from(best, (token) => scores[token]) };
}

/** How many scores rank before that of a place: 0 is the best of all. */
export function rankOf(scores: ArrayLike<number>, token: number): number {
  let before = 0;
  for (let other = 0; other < scores.length; other++) {
    const tie = other < token && !ranksAbove(scores[token], scores[other]);
    if (ranksAbove(scores[other], scores[token]) || tie) before++;
  }
  return before;
}

function ranksAbove(score: number, other: number): boolean {
  return score > other || (Number.isNaN(other) && !Number.isNaN(score));
}
