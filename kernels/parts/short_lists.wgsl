// The way of parts/insert.wgsl's lists from and to best_scores and best_tokens, where params.resume says whether there is one to go on from.

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
