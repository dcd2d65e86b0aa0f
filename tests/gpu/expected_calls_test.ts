import { assertEquals, assertStrictEquals } from "@std/assert";
import type { Binding } from "../../lib/gpu/bind_groups.ts";
import { ExpectedCalls, type KnownCall } from "../../lib/gpu/expected_calls.ts";
import type { KernelVariant } from "../../lib/gpu/pipelines.ts";

const buffer = (id: number): Binding => ({ buffer: { gpu: {} as GPUBuffer, id, bytes: 16, label: "" } });
const known = { pipeline: {}, group: {} } as KnownCall;
const variant: KernelVariant = {
  kernel: "add",
  types: { Element: "f32" },
  constants: { WIDTH: 4 },
  overrides: { WORKGROUP: 64 },
  parts: ["keys_float"],
};

function learned(): ExpectedCalls {
  const calls = new ExpectedCalls();
  calls.learn(variant, [buffer(1), { ...buffer(2), offset: 256, bytes: 16 } as Binding], known);
  calls.restart();
  return calls;
}

Deno.test("ExpectedCalls knows the call that had its place, and none that differs in anything", () => {
  const bindings = [buffer(1), { ...buffer(2), offset: 256, bytes: 16 } as Binding];
  assertStrictEquals(learned().find({ ...variant }, bindings)?.group, known.group);
  const others: Partial<KernelVariant>[] = [
    { kernel: "multiply" },
    { types: { Element: "f16" } },
    { types: {} },
    { constants: { WIDTH: 1 } },
    { constants: { WIDTH: 4, HEIGHT: 4 } },
    { overrides: undefined },
    { parts: ["keys_int8"] },
    { parts: undefined },
    { snippet: "fn f() {}" },
  ];
  for (const other of others) assertEquals(learned().find({ ...variant, ...other }, bindings), undefined);
  const places = [
    [buffer(1)],
    [buffer(3), bindings[1]],
    [buffer(1), buffer(2)],
    [buffer(1), { ...buffer(2), offset: 512, bytes: 16 } as Binding],
    [buffer(1), { image: { id: 1 } } as Binding],
  ];
  for (const other of places) assertEquals(learned().find(variant, other), undefined);
});

Deno.test("ExpectedCalls learns anew where a call differs, and goes on behind it", () => {
  const calls = learned();
  const second = { pipeline: {}, group: {} } as KnownCall;
  assertEquals(calls.find({ ...variant, kernel: "multiply" }, [buffer(1)]), undefined);
  calls.learn({ ...variant, kernel: "multiply" }, [buffer(1)], second);
  calls.restart();
  assertStrictEquals(calls.find({ ...variant, kernel: "multiply" }, [buffer(1)])?.group, second.group);
});

Deno.test("ExpectedCalls knows steps of a few kinds that take turns, and forgets the oldest where there are more", () => {
  const calls = new ExpectedCalls();
  const names = ["add", "multiply", "rms_norm", "rotary", "softmax"] as const;
  const kinds = names.map((kernel): KernelVariant => ({ ...variant, kernel }));
  const found = (kernel: KernelVariant) => {
    calls.restart();
    const seen = calls.find(kernel, [buffer(1)]);
    if (!seen) calls.learn(kernel, [buffer(1)], known);
    return seen !== undefined && calls.find(variant, [buffer(9)]) === undefined;
  };
  for (const kind of kinds.slice(0, 4)) assertEquals(found(kind), false);
  for (const kind of kinds.slice(0, 4)) assertEquals(found(kind), true);
  assertEquals(found(kinds[4]), false);
  assertEquals(kinds.slice(1).map(found), [true, true, true, true]);
  assertEquals(found(kinds[0]), false);
});
