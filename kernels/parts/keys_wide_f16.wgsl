// Keys of a slab stored as f16, read eight channels at once: [slab_pages, heads, page_tokens, D8] vectors of eight channels. For heads
// whose halves are whole vectors. A slot counts tokens, then heads, then pages. `key_pages` is the kernel's.

alias StoredKeys = vec4<u32>;

// Vectors of four channels that are stored together.
const KEY_VECTORS = 2u;

// Where a slot's stored vectors start.
fn key_first(slot: u32) -> u32 {
  return slot * D8;
}

// What all channels of a slot are multiplied with.
fn key_scale(slot: u32) -> f32 {
  return 1.0;
}

// Four channels of those stored together, before the scale.
fn key_part(stored: StoredKeys, vector: u32) -> vec4<f32> {
  let words = select(stored.xy, stored.zw, vector == 1u);
  return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}
