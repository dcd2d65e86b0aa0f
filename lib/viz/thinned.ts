/**
 * Of a long curve the points that show: first, last, lowest and highest of each of `buckets` stretches, in order. A curve of
 * at most twice as many points stays as it is.
 */
export function thinned<Point extends { readonly y: number }>(
  points: readonly Point[],
  buckets: number,
): readonly Point[] {
  if (points.length <= 2 * buckets) return points;
  const kept = new Set<number>([0, points.length - 1]);
  for (let bucket = 0; bucket < buckets; bucket++) {
    const start = Math.floor(bucket * points.length / buckets);
    const end = Math.floor((bucket + 1) * points.length / buckets);
    let low = start;
    let high = start;
    for (let i = start; i < end; i++) {
      if (points[i].y < points[low].y) low = i;
      if (points[i].y > points[high].y) high = i;
    }
    kept.add(low).add(high);
  }
  return [...kept].sort((a, b) => a - b).map((i) => points[i]);
}
