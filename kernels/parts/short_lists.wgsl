// Lists of parts/best_list.wgsl that are short enough to stay in registers, sorted, and their way from and to best_scores and
// best_tokens, where params.resume says whether there is one to go on from.

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

fn load_best(best: ptr<function, Best>, first: u32) {
  for (var i = 0u; i < K; i++) { // unrolled
    let source = first + i;
    (*best).scores[i] = select(LOWEST, best_scores[source], params.resume == 1u);
    (*best).tokens[i] = select(NONE, best_tokens[source], params.resume == 1u);
  }
}

fn store_best(best: ptr<function, Best>, first: u32) {
  for (var i = 0u; i < K; i++) { // unrolled
    best_scores[first + i] = (*best).scores[i];
    best_tokens[first + i] = (*best).tokens[i];
  }
}
