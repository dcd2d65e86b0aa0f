// A token's score as scan_groups.wgsl sums it: LANES sums, each of every so many of the stored vectors of VECTORS * 4 channels, PER of
// them; then the lanes in turn, then the scale. VECTORS, LANES, PER = D4 / VECTORS / LANES and query_at are the kernel's.

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
      for (var v = 0u; v < VECTORS; v++) { // unrolled
        sum = fma(query_at((lane + c * LANES) * VECTORS + v), key_part(keys[c], v), sum);
      }
    }
    score += (sum.x + sum.y) + (sum.z + sum.w);
  }
  return score * key_scale(slot);
}
