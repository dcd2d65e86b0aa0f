// Products of ROWS rows with the rows of a matrix, each read once along its length: LANES threads share a row of the matrix, and
// each sums COLS of them. Where NORM is 1 the rows are multiplied with the norm's weights, and their sums brought to a mean square
// of 1 at the end. THREADS, LANES, COLS, AHEAD, WHOLE (1 where AHEAD loads of each lane are the whole row: all are under way at once
// then, and none is waited for twice), MIDDLE and STRETCH (LANES = MIDDLE * STRETCH), ROWS, SUMS (ROWS * COLS, and ROWS more with
// NORM), PARTS, NORM and PAIRED are the kernel's, and so are `left`, `right`, `norm_weight` and these params: columns, depth,
// left_first, left_row, right_first, right_row, epsilon. Workgroup memory is kept small: that was faster.

const UNITS = THREADS / LANES;
// With PAIRED a row of the matrix goes with the one `columns` later: each column of the result takes two.
const UNIT_COLUMNS = COLS / (1u + PAIRED);
const GROUP_COLUMNS = UNITS * UNIT_COLUMNS;

var<workgroup> lane_sums: array<f32, THREADS * SUMS>;
var<workgroup> middle_sums: array<f32, MIDDLE * UNITS * SUMS>;

// What a load brings, as f32: one vec4, or two where the matrix is halves.
fn widened(loaded: Loaded, part: u32) -> vec4<f32> {
  let bits = bitcast<vec4<u32>>(loaded);
  if (PARTS == 1u) {
    return bitcast<vec4<f32>>(bits);
  }
  let half = select(bits.xy, bits.zw, part == 1u);
  return vec4<f32>(unpack2x16float(half.x), unpack2x16float(half.y));
}

// First load of the matrix's row that a thread sums in a slot; past the end the last row stands in.
fn row_first(group: u32, unit: u32, slot: u32) -> u32 {
  let column = (group * UNITS + unit) * UNIT_COLUMNS + slot % UNIT_COLUMNS;
  return params.right_first + (min(column, params.columns - 1u) + slot / UNIT_COLUMNS * params.columns) * params.right_row;
}

// Sums all products of a group's columns; `product` then reads them.
fn multiply(group: u32, lane: u32) {
  let unit = lane / LANES;
  let slice = lane % LANES;
  var loaded: array<Loaded, COLS * AHEAD>;
  for (var step = 0u; step < AHEAD; step++) { // unrolled
    for (var c = 0u; c < COLS; c++) { // unrolled
      loaded[step * COLS + c] = right[row_first(group, unit, c) + min(slice + step * LANES, params.depth - 1u)];
    }
  }
  var sums: array<vec4<f32>, SUMS>;
  var start = slice;
  loop {
    for (var step = 0u; step < AHEAD; step++) { // unrolled
      let k = start + step * LANES;
      for (var part = 0u; part < PARTS; part++) { // unrolled
        for (var r = 0u; r < ROWS; r++) { // unrolled
          let place = PARTS * min(k, params.depth - 1u) + part;
          let held = vec4<f32>(left[params.left_first + r * params.left_row + place]);
          var a = select(vec4<f32>(), held, k < params.depth);
          if (NORM == 1u) {
            sums[SUMS - ROWS + r] = fma(a, a, sums[SUMS - ROWS + r]);
            a *= norm_weight[place];
          }
          for (var c = 0u; c < COLS; c++) { // unrolled
            sums[r * COLS + c] = fma(a, widened(loaded[step * COLS + c], part), sums[r * COLS + c]);
          }
        }
      }
    }
    start += AHEAD * LANES;
    if (WHOLE == 1u || start >= params.depth) {
      break;
    }
    for (var step = 0u; step < AHEAD; step++) { // unrolled
      for (var c = 0u; c < COLS; c++) { // unrolled
        let k = min(start + step * LANES, params.depth - 1u);
        loaded[step * COLS + c] = right[row_first(group, unit, c) + k];
      }
    }
  }
  for (var s = 0u; s < SUMS; s++) { // unrolled
    lane_sums[s * THREADS + lane] = (sums[s].x + sums[s].y) + (sums[s].z + sums[s].w);
  }
  workgroupBarrier();
  for (var item = lane; item < MIDDLE * UNITS * SUMS; item += THREADS) {
    let first = item / (MIDDLE * UNITS) * THREADS + item % (MIDDLE * UNITS) * STRETCH;
    var sum = 0.0;
    for (var i = 0u; i < STRETCH; i++) { // unrolled
      sum += lane_sums[first + i];
    }
    middle_sums[item] = sum;
  }
  workgroupBarrier();
}

// A unit's sum.
fn unit_sum(unit: u32, sum: u32) -> f32 {
  let first = MIDDLE * (sum * UNITS + unit);
  var total = 0.0;
  for (var i = 0u; i < MIDDLE; i++) { // unrolled
    total += middle_sums[first + i];
  }
  return total;
}

// An element of the result: `place` counts the group's columns. With PAIRED: silu of one sum, times the other.
fn product(place: u32, r: u32) -> f32 {
  var factor = 1.0;
  if (NORM == 1u) {
    let squares = unit_sum(place / UNIT_COLUMNS, SUMS - ROWS + r);
    factor = 1.0 / sqrt(squares / f32(4u * PARTS * params.depth) + params.epsilon);
  }
  let sum = factor * unit_sum(place / UNIT_COLUMNS, r * COLS + place % UNIT_COLUMNS);
  if (PAIRED == 0u) {
    return sum;
  }
  return sum / (1.0 + exp(-sum)) * (factor * unit_sum(place / UNIT_COLUMNS, r * COLS + place % UNIT_COLUMNS + UNIT_COLUMNS));
}
