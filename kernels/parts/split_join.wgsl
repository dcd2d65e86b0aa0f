// The end of attention_split.wgsl, whose variables it reads and writes: its slices' sums are joined and left as a part.

fn leave_part(
  lane: u32,
  most: array<f32, ITEMS>,
  weight: array<f32, ITEMS>,
  totals: array<vec4<f32>, PAIRS * VALUE_VECTORS>,
  first_part: u32,
  part_stride: u32,
) {
  for (var i = 0u; i < ITEMS; i++) { // unrolled
    let item = lane + i * THREADS;
    if (item < PAIRS * SLICES) {
      highs_of[item / SLICES][item % SLICES] = most[i];
    }
  }
  workgroupBarrier();
  // What each slice counts for beside the largest score of all.
  for (var i = 0u; i < ITEMS; i++) { // unrolled
    let item = lane + i * THREADS;
    if (item < PAIRS * SLICES) {
      let pair = item / SLICES;
      let highest = highest_of(pair);
      let shrink = exp(most[i] - highest);
      shrinks[pair][item % SLICES] = shrink;
      sums[pair][item % SLICES] = weight[i] * shrink;
      if (item % SLICES == 0u) {
        parts[first_part + pair * part_stride + WIDTH - 4u] = highest;
      }
    }
  }
  workgroupBarrier();
  for (var turn = 0u; turn < JOINS; turn++) { // unrolled
    if (turn > 0u) {
      workgroupBarrier();
    }
    if (lane < SLICES * VALUE_LANES) {
      for (var j = 0u; j < JOIN; j++) { // unrolled
        let shrink = shrinks[turn * JOIN + j][lane / VALUE_LANES];
        for (var v = 0u; v < VALUE_VECTORS; v++) { // unrolled
          let total = totals[(turn * JOIN + j) * VALUE_VECTORS + v] * shrink;
          for (var i = 0u; i < 4u; i++) { // unrolled
            products[(j * NUMBERS + v * 4u + i) * JOIN_ROW + lane] = total[i];
          }
        }
      }
    }
    workgroupBarrier();
    for (var item = lane; item < JOIN * NUMBERS * VALUE_LANES; item += THREADS) {
      leave_number(turn * JOIN + item / (NUMBERS * VALUE_LANES), item, first_part, part_stride);
    }
  }
}

fn highest_of(pair: u32) -> f32 {
  var highest = LOWEST;
  for (var slice = 0u; slice < SLICES; slice++) { // unrolled
    highest = max(highest, highs_of[pair][slice]);
  }
  return highest;
}

// One number of a part, the sum of the slices'; with the first one the weights' sum.
fn leave_number(pair: u32, item: u32, first_part: u32, part_stride: u32) {
  let first = item / VALUE_LANES * JOIN_ROW + item % VALUE_LANES;
  let number = item / VALUE_LANES % NUMBERS;
  let target_part = first_part + pair * part_stride;
  var sum = 0.0;
  for (var slice = 0u; slice < SLICES; slice++) { // unrolled
    sum += products[first + slice * VALUE_LANES];
  }
  parts[target_part + item % VALUE_LANES * NUMBERS + number] = sum;
  if (item % (NUMBERS * VALUE_LANES) == 0u) {
    var all = 0.0;
    for (var slice = 0u; slice < SLICES; slice++) { // unrolled
      all += sums[pair][slice];
    }
    parts[target_part + WIDTH - 3u] = all;
  }
}
