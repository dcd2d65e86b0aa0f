// Keys of a slab stored as int8 with a scale for each token and head. For each page and head: page_tokens * D4 words of four
// channels, the first in the lowest byte; then page_tokens scales, as the bits of f32. `key_pages` is the kernel's.

alias StoredKeys = u32;

// Vectors of four channels that are stored together.
const KEY_VECTORS = 1u;

// Where a slot's words start.
fn key_first(slot: u32) -> u32 {
  return slot / params.page_tokens * params.page_tokens * (D4 + 1u) + slot % params.page_tokens * D4;
}

// What all channels of a slot are multiplied with.
fn key_scale(slot: u32) -> f32 {
  let page = slot / params.page_tokens * params.page_tokens * (D4 + 1u);
  return bitcast<f32>(key_pages[page + params.page_tokens * D4 + slot % params.page_tokens]);
}

// Four channels, before the scale, whole numbers from -127 to 127: as stored, and read.
fn key_loaded(stored: StoredKeys) -> vec4<f32> {
  let word = bitcast<i32>(stored);
  return vec4<f32>(vec4(word << 24u, word << 16u, word << 8u, word) >> vec4<u32>(24u));
}

// Four channels of those stored together: all of them.
fn key_part(stored: StoredKeys, vector: u32) -> vec4<f32> {
  return key_loaded(stored);
}

fn key_vector(place: u32) -> vec4<f32> {
  return key_loaded(key_pages[place]);
}

// One channel, scaled.
fn key_channel(slot: u32, c: u32) -> f32 {
  let word = bitcast<i32>(key_pages[key_first(slot) + c / 4u]);
  return f32((word << (24u - 8u * (c % 4u))) >> 24u) * key_scale(slot);
}
