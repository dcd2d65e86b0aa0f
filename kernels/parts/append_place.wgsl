// Where a thread of cache_append.wgsl and cache_append_keys.wgsl writes: its token, head and four channels. `table`, `parts` and these
// params are the kernel's: group_count, batch, step_rows, heads, head_size, page_tokens, table_stride, slab_first, slab_pages.

struct AppendPlace {
  // False where there is nothing to write: past the last thread, or in a page of another slab.
  here: bool,
  // Which four of the head's channels.
  c4: u32,
  // The head's first element among the step's.
  first: u32,
  // The token's vector among those of the slab.
  slot: u32,
}

fn append_place(group: u32, lane: u32) -> AppendPlace {
  var place: AppendPlace;
  let thread = group * WORKGROUP + lane;
  if (group >= params.group_count || thread >= params.batch * params.step_rows * params.heads * D4) {
    return place;
  }
  let head = (thread / D4) % params.heads;
  let row = (thread / (D4 * params.heads)) % params.step_rows;
  let sequence = thread / (D4 * params.heads * params.step_rows);
  let token = parts[sequence].x - params.step_rows + row;
  let page = table[sequence * params.table_stride + token / params.page_tokens];
  place.here = page >= params.slab_first && page < params.slab_first + params.slab_pages;
  place.c4 = thread % D4;
  place.first = ((sequence * params.step_rows + row) * params.heads + head) * params.head_size;
  place.slot = ((page - params.slab_first) * params.heads + head) * params.page_tokens + token % params.page_tokens;
  return place;
}
