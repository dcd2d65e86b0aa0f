// Keys of a slab stored as KeyElement, f32 or f16: [slab_pages, heads, page_tokens, D4] vectors of four channels. A slot counts
// tokens, then heads, then pages. `key_pages` is the kernel's.

alias StoredKeys = vec4<KeyElement>;

// Vectors of four channels that are stored together.
const KEY_VECTORS = 1u;

// Where a slot's vectors start.
fn key_first(slot: u32) -> u32 {
  return slot * D4;
}

// What all channels of a slot are multiplied with.
fn key_scale(slot: u32) -> f32 {
  return 1.0;
}

// Four channels, before the scale: as stored, and read.
fn key_loaded(stored: StoredKeys) -> vec4<f32> {
  return vec4<f32>(stored);
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
  return f32(key_pages[slot * D4 + c / 4u][c % 4u]);
}
