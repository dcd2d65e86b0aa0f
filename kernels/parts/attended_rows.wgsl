// Rows of attention by tiles: where a pair (row, query head of a KV head's group) lies in queries and output, where its part of a
// window lies among all parts, and the keys of the window that a row sees. `params` and `counts` are the kernel's.

fn query_first(pair: u32, share: u32, head: u32, sequence: u32) -> u32 {
  let row = sequence * params.step_rows + pair / share;
  return (row * params.query_heads + head * share + pair % share) * D4;
}

fn part_first(pair: u32, pairs: u32, head: u32, sequence: u32, split: u32) -> u32 {
  let row = (sequence * params.heads + head) * pairs + pair;
  return (row * params.parts + params.first_part + split) * (D4 + 1u);
}

// Tokens from the window's first one up to the last row's own: without selections those that are here.
fn count_of(sequence: u32, head: u32) -> u32 {
  if (params.selections == 0u) {
    return params.tokens;
  }
  return counts[(params.first_sequence + sequence) * params.selections + select(head, 0u, params.selections == 1u)];
}

// `count` tokens lie from the window's first one up to the last row's own.
fn end_of(count: u32, row: u32) -> u32 {
  return min(u32(max(0i, i32(count + row + 1u) - i32(params.step_rows))), params.tokens);
}
