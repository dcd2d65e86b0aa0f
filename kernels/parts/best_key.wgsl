// The better of pairs (order key, place), and the best of a workgroup of 256 threads, in two levels; THREADS is the kernel's.

const RUN = 16u;

var<workgroup> lane_best: array<vec2<u32>, THREADS>;
var<workgroup> run_best: array<vec2<u32>, RUN>;

// Unsigned integers in the order of the floats, both zeros equal; NaN is the lowest.
fn order_key(value: f32) -> u32 {
  let bits = bitcast<u32>(value);
  let magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) {
    return 0u;
  }
  if (magnitude == 0u) {
    return 0x80000000u;
  }
  return select(bits | 0x80000000u, ~bits, bits != magnitude);
}

// The higher key; the lower place among equals.
fn better(one: vec2<u32>, other: vec2<u32>) -> vec2<u32> {
  return select(one, other, other.x > one.x || (other.x == one.x && other.y < one.y));
}

fn best_of_all(mine: vec2<u32>, lane: u32) -> vec2<u32> {
  lane_best[lane] = mine;
  workgroupBarrier();
  if (lane < RUN) {
    var found = lane_best[lane];
    for (var i = 1u; i < THREADS / RUN; i++) {
      found = better(found, lane_best[lane + i * RUN]);
    }
    run_best[lane] = found;
  }
  workgroupBarrier();
  var found = run_best[0];
  for (var i = 1u; i < RUN; i++) {
    found = better(found, run_best[i]);
  }
  return found;
}
