import { prefillKeyOf, type Trial } from "../sweep/trial.ts";

/** What a trial costs beside reading its context, in readings. Only the balance between tasks depends on it. */
const ANSWERING = 0.1;

interface Hand {
  readonly places: readonly number[];
  readonly cost: number;
}

/**
 * Deals a sweep's trials to tasks. Trials that share a reading stay together, unless they are more than a task's fair share;
 * the dearest are dealt first and back and forth, so that tasks take about as long; inside a task trials keep their order.
 * Where there are enough tasks, none has trials of two models, whose weights it would have to load one after another.
 *
 * @param trials in the sweep's order
 * @param tasks how many tasks are wanted; fewer come back where there are fewer trials
 * @returns the places of each task's trials in `trials`
 *
 * @example
 * ```ts
 * import { dealTrials, parseSweepSpec, planSweep } from "@reattention/toolkit/evaluation";
 * import { assertEquals } from "@std/assert";
 *
 * const { trials } = await planSweep(parseSweepSpec({ sweep: { k: [1, 2, 4] }, seeds: "0..3" }));
 * const dealt = dealTrials(trials, 4);
 * // Four tasks with three trials each, and every trial is dealt once.
 * assertEquals(dealt.map(({ length }) => length), [3, 3, 3, 3]);
 * assertEquals(dealt.flat().sort((a, b) => a - b), trials.map((_, place) => place));
 * ```
 */
export function dealTrials(trials: readonly Trial[], tasks: number): number[][] {
  const places = trials.map((_, place) => place);
  const models = [...Map.groupBy(places, (place) => trials[place].model).values()];
  if (models.length === 1 || models.length > tasks) return dealPlaces(trials, places, tasks);
  const cost = (some: readonly number[]) => some.reduce((sum, place) => sum + trials[place].length, 0);
  const spare = (tasks - models.length) / cost(places);
  return models.flatMap((own) => dealPlaces(trials, own, 1 + Math.floor(spare * cost(own))));
}

function dealPlaces(trials: readonly Trial[], places: readonly number[], tasks: number): number[][] {
  const most = Math.ceil(places.length / tasks);
  const hands = [...readingsOf(trials, places).values()].flatMap((some) => handsOf(trials, some, most));
  const dear = hands.map((hand, index) => ({ ...hand, index })).sort((a, b) => b.cost - a.cost || a.index - b.index);
  const dealt: number[][] = Array.from({ length: Math.min(tasks, hands.length) }, () => []);
  for (const [turn, hand] of dear.entries()) {
    const round = Math.floor(turn / dealt.length);
    const seat = turn % dealt.length;
    dealt[round % 2 === 0 ? seat : dealt.length - 1 - seat].push(...hand.places);
  }
  return dealt.map((some) => some.sort((a, b) => a - b));
}

function readingsOf(trials: readonly Trial[], places: readonly number[]): Map<string, number[]> {
  return Map.groupBy(places, (place) => prefillKeyOf(trials[place]));
}

function handsOf(trials: readonly Trial[], places: readonly number[], most: number): Hand[] {
  const { length } = trials[places[0]];
  return Array.from({ length: Math.ceil(places.length / most) }, (_, index) => {
    const some = places.slice(index * most, (index + 1) * most);
    return { places: some, cost: length * (1 + ANSWERING * some.length) };
  });
}
