// The better of pairs (order key, place), and the best of a workgroup of 256 threads, in two levels; THREADS is the kernel's.

const RUN = 16u;

var<workgroup> lane_best: array<vec2<u32>, THREADS>;
var<workgroup> run_best: array<vec2<u32>, RUN>;

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
