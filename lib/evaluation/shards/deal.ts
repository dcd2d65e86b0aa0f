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
 *
 * @param trials in the sweep's order
 * @param tasks how many tasks are wanted; fewer come back where there are fewer trials
 * @returns the places of each task's trials in `trials`
 */
export function dealTrials(trials: readonly Trial[], tasks: number): number[][] {
  const most = Math.ceil(trials.length / tasks);
  const hands = [...readingsOf(trials).values()].flatMap((places) => handsOf(trials, places, most));
  const dear = hands.map((hand, index) => ({ ...hand, index })).sort((a, b) => b.cost - a.cost || a.index - b.index);
  const dealt: number[][] = Array.from({ length: Math.min(tasks, hands.length) }, () => []);
  for (const [turn, { places }] of dear.entries()) {
    const round = Math.floor(turn / dealt.length);
    const seat = turn % dealt.length;
    dealt[round % 2 === 0 ? seat : dealt.length - 1 - seat].push(...places);
  }
  return dealt.map((places) => places.sort((a, b) => a - b));
}

function readingsOf(trials: readonly Trial[]): Map<string, number[]> {
  const readings = new Map<string, number[]>();
  for (const [place, trial] of trials.entries()) {
    const key = prefillKeyOf(trial);
    const known = readings.get(key);
    if (known) known.push(place);
    else readings.set(key, [place]);
  }
  return readings;
}

function handsOf(trials: readonly Trial[], places: readonly number[], most: number): Hand[] {
  const { length } = trials[places[0]];
  return Array.from({ length: Math.ceil(places.length / most) }, (_, index) => {
    const some = places.slice(index * most, (index + 1) * most);
    return { places: some, cost: length * (1 + ANSWERING * some.length) };
  });
}
