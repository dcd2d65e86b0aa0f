// Where attention_split.wgsl, whose variables it reads and writes, finds the tokens of its list.

// What a workgroup works on.
struct Work {
  sequence: u32,
  head: u32,
  selection: u32,
  // Tokens of its list, and with those behind it.
  listed: u32,
  count: u32,
}

// What the list has at a place, which may lie past its end.
fn listed_at(place: u32, work: Work) -> u32 {
  if (IN_ORDER == 1u) {
    return place;
  }
  return indices[work.selection * params.indices_stride + min(place, params.indices_stride - 1u)];
}

// The token at a place, given what the list has there.
fn token_of(place: u32, listed: u32, work: Work) -> u32 {
  if (IN_ORDER == 1u) {
    return place;
  }
  return select(params.first_newer + place - work.listed, listed, place < work.listed);
}

fn token_at(place: u32, work: Work) -> u32 {
  return token_of(place, listed_at(place, work), work);
}

// Notes where a token lies in the slab, or that it lies elsewhere.
fn locate(turn: u32, item: u32, place: u32, token: u32, work: Work) {
  let page = table[work.sequence * params.table_stride + token / PAGE] - params.slab_first;
  let slot = (page * params.heads + work.head) * PAGE + token % PAGE;
  if (item < SWEEP) {
    slots[turn][item] = select(NOWHERE, slot, ONE_SLAB == 1u || page < params.slab_pages);
    if (RELATIVE == 0u) {
      positions[turn][item] = select(place, token, params.original == 1u) - params.first_position;
    }
  }
}

// The same of what the list has at a place, up to its block's end.
fn locate_listed(turn: u32, item: u32, place: u32, listed: u32, end: u32, work: Work) {
  let token = token_of(min(place, end - 1u), listed, work);
  locate(turn, item, place, select(0u, token, place < end || IN_ORDER == 1u), work);
}

// Tokens of other slabs are read as the slab's first, and dropped.
fn slot_of(turn: u32, token: u32) -> u32 {
  let slot = slots[turn][token];
  return select(slot, 0u, ONE_SLAB == 0u && slot == NOWHERE);
}

fn load_value(turn: u32, token: u32, channel: u32) -> StoredValues {
  return value_pages[value_first(slot_of(turn, min(token, SWEEP - 1u))) + channel];
}
