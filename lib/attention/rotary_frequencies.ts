export interface RopeSpec {
  base: number;
}
export function rotaryFrequencies(
  headSize: number,
  rope: RopeSpec,
): Float32Array {
  return Float32Array.from(
    { length: headSize / 2 },
    (_, i) =>
      1 / Math.fround(Math.pow(rope.base, Math.fround(2 * i / headSize))),
  );
}
export function rotaryTable(
  f: Float32Array,
  start: number,
  count: number,
): { cos: Float32Array; sin: Float32Array } {
  const cos = new Float32Array(count * f.length),
    sin = new Float32Array(count * f.length);
  for (let p = 0; p < count; p++) {
    for (let i = 0; i < f.length; i++) {
      const a = Math.fround((p + start) * f[i]);
      cos[p * f.length + i] = Math.cos(a);
      sin[p * f.length + i] = Math.sin(a);
    }
  }
  return { cos, sin };
}
