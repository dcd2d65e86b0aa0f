// Sums and maxima over the values of a workgroup of WORKGROUP threads, at most 256, in two levels; every thread gets the result.

const RUN = 16u;

var<workgroup> lane_values: array<f32, WORKGROUP>;
var<workgroup> run_values: array<f32, RUN>;

fn total_of(value: f32, lane: u32) -> f32 {
  workgroupBarrier();
  lane_values[lane] = value;
  workgroupBarrier();
  if (lane < RUN) {
    var total = 0.0;
    for (var other = lane * RUN; other < min(WORKGROUP, (lane + 1u) * RUN); other++) {
      total += lane_values[other];
    }
    run_values[lane] = total;
  }
  workgroupBarrier();
  var total = 0.0;
  for (var run = 0u; run * RUN < WORKGROUP; run++) {
    total += run_values[run];
  }
  return total;
}

fn highest_of(value: f32, lane: u32) -> f32 {
  workgroupBarrier();
  lane_values[lane] = value;
  workgroupBarrier();
  if (lane < RUN) {
    var highest = lane_values[min(lane * RUN, WORKGROUP - 1u)];
    for (var other = lane * RUN; other < min(WORKGROUP, (lane + 1u) * RUN); other++) {
      highest = max(highest, lane_values[other]);
    }
    run_values[lane] = highest;
  }
  workgroupBarrier();
  var highest = run_values[0];
  for (var run = 1u; run * RUN < WORKGROUP; run++) {
    highest = max(highest, run_values[run]);
  }
  return highest;
}
