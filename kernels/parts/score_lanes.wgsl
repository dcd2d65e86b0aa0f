// A token's score as scan_groups.wgsl sums it: LANES sums, each of every so many of the channels' vectors, PER of them; then the lanes in
// turn, then the scale. D4, LANES, PER = D4 / LANES and query_at are the kernel's.

fn score_of(slot: u32) -> f32 {
  let first = key_first(slot);
  var score = 0.0;
  for (var lane = 0u; lane < LANES; lane++) { // unrolled
    var keys: array<StoredKeys, PER>;
    for (var c = 0u; c < PER; c++) { // unrolled
      keys[c] = key_pages[first + lane + c * LANES];
    }
    var sum = vec4<f32>();
    for (var c = 0u; c < PER; c++) { // unrolled
      sum = fma(query_at(lane + c * LANES), key_loaded(keys[c]), sum);
    }
    score += (sum.x + sum.y) + (sum.z + sum.w);
  }
  return score * key_scale(slot);
}
