import { assertEquals } from "@std/assert";
import { attentionNote, massOn, selectionNote } from "../../../experiments/explorer/page/figure_notes.ts";

const group = (indices: number[]) => ({ indices, centers: [], votes: [], globalCount: 1, windowStart: 9 });
const needle = { start: 4, end: 7 };

Deno.test("selectionNote counts the needle's tokens that each layer attended to, once each", () => {
  const layers = [
    { layer: 0, groups: [group([0, 4, 5, 9]), group([0, 5, 6, 7, 9])] },
    { layer: 1, groups: [group([0, 9])] },
  ];
  assertEquals(selectionNote(layers, needle), "Of the needle's 3 tokens, layer 0 attended to 3, layer 1 to 0.");
  assertEquals(selectionNote(layers, undefined), "");
});

Deno.test("attentionNote names the token with the most weight, and the needle's weight", () => {
  const shown = { layer: 2, head: 1, positions: [0, 4, 5, 9], weights: [0.2, 0.3, 0.4, 0.1] };
  const text = () => " <b>";
  const most = 'Layer 2, head 1: the most weight, 0.40, is on token 5 ("<b>")';
  assertEquals(attentionNote(shown, { text, needle }), `${most}; the needle has 0.70 in all.`);
  assertEquals(attentionNote(shown, { text }), `${most}.`);
  assertEquals([massOn(undefined, shown), massOn({ start: 0, end: 1 }, shown)], [0.4, 0.2]);
});
