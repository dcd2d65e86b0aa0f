import { assertEquals, assertThrows } from "@std/assert";
import {
  createMethod,
  type Knobs,
  knobsSchema,
  type MethodName,
  presets,
  resolveKnobs,
  selectedScope,
} from "../../../lib/attention/mod.ts";

Deno.test("presets fill the trained context of their models exactly", () => {
  assertEquals(selectedScope(presets.paper, 32, 512), 8192);
  assertEquals(selectedScope(presets.demo, 8, 64), 512);
  for (const preset of Object.values(presets)) assertEquals(knobsSchema.parse(preset), preset);
});

Deno.test("selectedScope is bounded by the votes where few queries run or nothing is clipped", () => {
  const knobs = resolveKnobs({ recallClip: -1, k: 2, spanSize: 3, globalSize: 1, window: 10, chunkSize: 5 });
  assertEquals(selectedScope(knobs, 4, 1), 1 + 4 * 2 * 3 + 10);
});

Deno.test("resolveKnobs names each knob that is wrong, its value and what would be right", () => {
  const faults: [Partial<Record<keyof Knobs, unknown>>, string][] = [
    [{ k: -1 }, "k -1: must be at least 0"],
    [{ k: 257 }, "k 257: must be at most 256"],
    [{ window: 2.5 }, "window 2.5: must be a whole number"],
    [{ spanSize: "8" }, 'spanSize: must be a whole number, not "8"'],
    [{ positions: "relative" }, 'positions: must be "compact" or "original", not "relative"'],
    [{ chunkSize: 4097 }, "chunkSize: 4097 must be at most the window (4096)"],
    [{ chunkSize: 4000, align: 128 }, "less align (128)"],
    [{ window: 128, align: 128, chunkSize: 1 }, "must be more than align (128)"],
    [{ recallClip: -2 }, "recallClip -2: must be at least -1"],
  ];
  for (const [changes, message] of faults) {
    assertThrows(() => resolveKnobs(changes as Partial<Knobs>), RangeError, message);
  }
  assertThrows(
    () => resolveKnobs({ midSize: 4 } as Partial<Knobs>),
    RangeError,
    "there is no knob midSize; the knobs are globalSize",
  );
});

Deno.test("createMethod refuses a name that there isn't, and shows the window variant under its own name", () => {
  const shape = { layers: 1, queryHeads: 2, keyValueHeads: 1, headSize: 4 };
  assertThrows(
    () => createMethod("reattn" as MethodName, resolveKnobs(), shape),
    RangeError,
    "the methods are full, window, streaming",
  );
  assertEquals(createMethod("reattention", resolveKnobs({ prefill: "window" }), shape).name, "reattention-window");
});
