// Values of a slab stored as int8 with a scale for each token and head, read eight channels at once. For heads whose halves are whole
// vectors of eight, and pages of an even number of tokens: a page's words are even then. Layout as in values_int8.wgsl.

alias StoredValues = vec2<u32>;

// Vectors of four channels that are stored together.
const VALUE_VECTORS = 2u;

// Where a slot's stored vectors start.
fn value_first(slot: u32) -> u32 {
  return slot / PAGE * (PAGE / 2u) * (D4 + 1u) + slot % PAGE * D8;
}

// What all channels of a slot are multiplied with.
fn value_scale(slot: u32) -> f32 {
  let word = slot / PAGE * PAGE * (D4 + 1u) + PAGE * D4 + slot % PAGE;
  let words = value_pages[word / 2u];
  return bitcast<f32>(select(words.x, words.y, word % 2u == 1u));
}

// Four channels of those stored together, before the scale: whole numbers from -127 to 127.
fn value_part(stored: StoredValues, vector: u32) -> vec4<f32> {
  let word = bitcast<i32>(select(stored.x, stored.y, vector == 1u));
  return vec4<f32>(vec4(word << 24u, word << 16u, word << 8u, word) >> vec4<u32>(24u));
}
