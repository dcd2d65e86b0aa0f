// The row of the table of angles for a query at position m and a key at position n, m >= n, by one of three rules (RULE):
//   0 distances are kept up to `near`, then stop growing (slope 0) or grow more slowly (slope 1): near distances are then
//     `fine` rows apart, far ones one row. ReRoPE, LM-Infinite, InfLLM; plain rotary positions where nothing is far
//   1 distances are kept up to `near`; farther tokens are counted in groups of `group` tokens. SelfExtend (arXiv 2401.01325)
//   2 distances within a chunk of `group` tokens are kept; queries of the next chunk count on from there up to `most`, and
//     those of later chunks all stand at `most`. Dual Chunk Attention (arXiv 2402.17463)

fn relative_row(m: u32, n: u32) -> u32 {
  let distance = m - n;
  if (RULE == 1u) {
    let grouped = m / params.group - n / params.group + params.near - params.near / params.group;
    return select(grouped, distance, distance < params.near);
  }
  if (RULE == 2u) {
    let chunks = m / params.group - n / params.group;
    if (chunks == 0u) {
      return distance;
    }
    let place = select(params.most, min(params.group + m % params.group, params.most), chunks == 1u);
    return place - n % params.group;
  }
  if (distance < params.near) {
    return distance * params.fine;
  }
  return params.near * params.fine + (distance - params.near) * params.slope;
}
