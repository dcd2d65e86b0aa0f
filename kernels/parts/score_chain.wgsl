// A token's score as score_groups.wgsl sums it: one chain of multiply-adds over rising channels. D4, a multiple of 4, and
// query_at are the kernel's.

fn score_of(slot: u32) -> f32 {
  let first = key_first(slot);
  let scale = key_scale(slot);
  var score = 0.0;
  for (var c4 = 0u; c4 < D4; c4 += 4u) {
    var keys: array<vec4<f32>, 4>;
    for (var i = 0u; i < 4u; i++) { // unrolled
      keys[i] = key_vector(first + c4 + i) * scale;
    }
    for (var i = 0u; i < 4u; i++) { // unrolled
      let query = query_at(c4 + i);
      score = fma(query.w, keys[i].w, fma(query.z, keys[i].z, fma(query.y, keys[i].y, fma(query.x, keys[i].x, score))));
    }
  }
  return score;
}
