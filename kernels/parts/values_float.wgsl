// Values of a slab stored as ValueElement, f32 or f16: [slab_pages, heads, page_tokens, D4] vectors of four channels. A slot counts
// tokens, then heads, then pages. `value_pages` is the kernel's.

alias StoredValues = vec4<ValueElement>;

// Vectors of four channels that are stored together.
const VALUE_VECTORS = 1u;

// Where a slot's vectors start.
fn value_first(slot: u32) -> u32 {
  return slot * D4;
}

// What all channels of a slot are multiplied with.
fn value_scale(slot: u32) -> f32 {
  return 1.0;
}

// Four channels, before the scale: as stored, and read.
fn value_loaded(stored: StoredValues) -> vec4<f32> {
  return vec4<f32>(stored);
}

// Four channels of those stored together: all of them.
fn value_part(stored: StoredValues, vector: u32) -> vec4<f32> {
  return value_loaded(stored);
}

fn value_vector(place: u32) -> vec4<f32> {
  return value_loaded(value_pages[place]);
}

// One channel, scaled.
fn value_channel(slot: u32, c: u32) -> f32 {
  return f32(value_pages[slot * D4 + c / 4u][c % 4u]);
}
