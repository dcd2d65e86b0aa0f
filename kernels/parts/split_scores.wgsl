// Scores of a sweep of attention_split.wgsl, whose variables it reads and writes: rotated queries times keys, turned as they are read.

// Two vec4s of (cos, sin) for each four channels of a lane.
alias Angles = array<vec4<f32>, 2u * CHUNKS * KEY_VECTORS>;

// Half-split pairs (x[c], x[c + d/2]) of four channels, turned.
fn turn_low(low: vec4<f32>, high: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return low * vec4(a.x, a.z, b.x, b.z) - high * vec4(a.y, a.w, b.y, b.w);
}

fn turn_high(low: vec4<f32>, high: vec4<f32>, a: vec4<f32>, b: vec4<f32>) -> vec4<f32> {
  return high * vec4(a.x, a.z, b.x, b.z) + low * vec4(a.y, a.w, b.y, b.w);
}

fn add_products(a: vec4<f32>, b: vec4<f32>, sum: f32) -> f32 {
  return fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, sum))));
}

fn keep_query(item: u32, low: vec4<f32>, high: vec4<f32>) {
  if (item < PAIRS * D8) {
    rotated[item / D8][item % D8] = low;
    rotated[item / D8][item % D8 + D8] = high;
  }
}

// Turns a query back by a position's angles: what is left is turned by how far that one lies behind.
fn turn_back(item: u32, low: vec4<f32>, high: vec4<f32>, a: vec4<f32>, b: vec4<f32>) {
  let back = vec4(1.0, -1.0, 1.0, -1.0);
  keep_query(item, turn_low(low, high, a * back, b * back), turn_high(low, high, a * back, b * back));
}

// Angles of a difference of positions, for two channels each.
fn angles_between(later: vec4<f32>, earlier: vec4<f32>) -> vec4<f32> {
  let swapped = vec4(later.y, -later.x, later.w, -later.z);
  return later * earlier.xxzz + swapped * earlier.yyww;
}

// Two channels' angles by a place in the sweep. The table may begin with a later position than 0.
fn place_angles(place: u32, channels: u32) -> vec4<f32> {
  let angles = rotation[place * D4 + channels];
  if (SHIFTED == 1u) {
    return angles_between(angles, rotation[channels]);
  }
  return angles;
}

// A thread's first token of a sweep is its unit's: angles by that place, the same in all sweeps.
fn own_angles(lane: u32) -> Angles {
  var angles: Angles;
  if (RELATIVE == 1u) {
    for (var chunk = 0u; chunk < CHUNKS; chunk++) { // unrolled
      for (var v = 0u; v < KEY_VECTORS; v++) { // unrolled
        let channels = 2u * ((lane % LANES + chunk * LANES) * KEY_VECTORS + v);
        angles[2u * (chunk * KEY_VECTORS + v)] = place_angles(lane / LANES, channels);
        angles[2u * (chunk * KEY_VECTORS + v) + 1u] = place_angles(lane / LANES, channels + 1u);
      }
    }
  }
  return angles;
}

// Leaves each lane's sums of its channels in `products`, of all pairs and the sweep's tokens.
fn multiply(lane: u32, turn: u32, angles: Angles) {
  let unit = lane / LANES;
  var scores = array<f32, PAIRS * KEYS>();
  var places: array<u32, KEYS>;
  for (var t = 0u; t < KEYS; t++) { // unrolled
    places[t] = key_first(slot_of(turn, unit + t * UNITS));
  }
  for (var chunk = 0u; chunk < CHUNKS; chunk++) { // unrolled
    let c = lane % LANES + chunk * LANES;
    var lows: array<StoredKeys, KEYS>;
    var highs: array<StoredKeys, KEYS>;
    for (var t = 0u; t < KEYS; t++) { // unrolled
      lows[t] = key_pages[places[t] + c];
      highs[t] = key_pages[places[t] + c + HALF];
    }
    for (var v = 0u; v < KEY_VECTORS; v++) { // unrolled
      let c4 = c * KEY_VECTORS + v;
      var low: array<vec4<f32>, KEYS>;
      var high: array<vec4<f32>, KEYS>;
      for (var t = 0u; t < KEYS; t++) { // unrolled
        low[t] = key_part(lows[t], v);
        high[t] = key_part(highs[t], v);
        if (RELATIVE == 1u) {
          let a = angles[2u * (chunk * KEY_VECTORS + v)];
          let b = angles[2u * (chunk * KEY_VECTORS + v) + 1u];
          let first_low = low[t];
          low[t] = turn_low(first_low, high[t], a, b);
          high[t] = turn_high(first_low, high[t], a, b);
        }
        // Places further on are turned by as much more, which all units read from one place.
        if (RELATIVE == 1u && t > 0u) {
          let a = place_angles(t * UNITS, 2u * c4);
          let b = place_angles(t * UNITS, 2u * c4 + 1u);
          let first_low = low[t];
          low[t] = turn_low(first_low, high[t], a, b);
          high[t] = turn_high(first_low, high[t], a, b);
        }
        if (RELATIVE == 0u) {
          let first = positions[turn][min(unit + t * UNITS, POSITIONS - 1u)] * D4 + 2u * c4;
          let first_low = low[t];
          low[t] = turn_low(first_low, high[t], rotation[first], rotation[first + 1u]);
          high[t] = turn_high(first_low, high[t], rotation[first], rotation[first + 1u]);
        }
      }
      for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
        let query_low = rotated[pair][c4];
        let query_high = rotated[pair][c4 + D8];
        for (var t = 0u; t < KEYS; t++) { // unrolled
          scores[t * PAIRS + pair] = add_products(query_low, low[t], add_products(query_high, high[t], scores[t * PAIRS + pair]));
        }
      }
    }
  }
  for (var t = 0u; t < KEYS; t++) { // unrolled
    for (var pair = 0u; pair < PAIRS; pair++) { // unrolled
      products[(t * PAIRS + pair) * LANES * ROW + lane % LANES * ROW + unit] = scores[t * PAIRS + pair];
    }
  }
}

// A pair's score of a token: its lanes' sums, times the key's scale.
fn product(pair: u32, token: u32) -> f32 {
  let first = (token / UNITS * PAIRS + pair) * LANES * ROW + token % UNITS;
  var sum = 0.0;
  for (var other = 0u; other < LANES; other++) { // unrolled
    sum += products[first + other * ROW];
  }
  if (SCALED == 1u) {
    sum *= factors[min(token, FACTORS - 1u)].x;
  }
  return sum;
}
