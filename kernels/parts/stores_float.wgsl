// Stores four channels as Element, f32 or f16; `pages` is the kernel's: [slab_pages, heads, page_tokens, D4] vectors.

alias Stored = vec4<Element>;

fn store(slot: u32, c4: u32, four: vec4<f32>, first: u32) {
  pages[slot * D4 + c4] = vec4<Element>(four);
}
