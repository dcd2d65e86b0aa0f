// The K best items of a list, each a score and its token, with what is needed to keep them as a heap. K is the kernel's.

const NONE = 0xffffffffu;
const LOWEST = -3.4028234663852886e38f;

struct Best {
  scores: array<f32, K>,
  tokens: array<u32, K>,
}

// True where (score, token) ranks before (other, held): higher score first, then the lower token.
fn ranks_before(score: f32, token: u32, other: f32, held: u32) -> bool {
  return score > other || (score == other && token < held);
}

// Puts an item on the root of a heap whose worst item is the root, and sinks it to its place among the first `size`.
fn sink(best: ptr<function, Best>, score: f32, token: u32, size: u32) {
  var place = 0u;
  var child = 1u;
  while (child < size) {
    let next = child + 1u;
    if (next < size && ranks_before((*best).scores[child], (*best).tokens[child], (*best).scores[next], (*best).tokens[next])) {
      child = next;
    }
    if (!ranks_before(score, token, (*best).scores[child], (*best).tokens[child])) {
      break;
    }
    (*best).scores[place] = (*best).scores[child];
    (*best).tokens[place] = (*best).tokens[child];
    place = child;
    child = 2u * place + 1u;
  }
  (*best).scores[place] = score;
  (*best).tokens[place] = token;
}
