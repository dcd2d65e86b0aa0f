// Lists of parts/best_list.wgsl that are short enough to stay in registers, sorted, their best item first.

fn insert(best: ptr<function, Best>, score: f32, token: u32) {
  // Without a branch: software adapters run both sides of one, for every token.
  var falling = score;
  var name = token;
  for (var i = 0u; i < K; i++) { // unrolled
    let held = (*best).scores[i];
    let holder = (*best).tokens[i];
    let better = ranks_before(falling, name, held, holder);
    (*best).scores[i] = select(held, falling, better);
    (*best).tokens[i] = select(holder, name, better);
    falling = select(falling, held, better);
    name = select(name, holder, better);
  }
}
