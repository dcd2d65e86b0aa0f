import { assertEquals, assertThrows } from "@std/assert";
import {
  greedySampling,
  parseSamplingOptions,
  samplingOptionsSchema,
} from "../../../lib/model/decoder/sampling_options.ts";

Deno.test("parseSamplingOptions is greedy by default and fills in what is absent", () => {
  assertEquals(parseSamplingOptions(), { temperature: 0, topP: 1, topK: 0, seed: 0 });
  assertEquals(parseSamplingOptions({ topK: 40, seed: undefined }), { ...greedySampling, topK: 40 });
});

Deno.test("parseSamplingOptions takes every limit itself", () => {
  for (
    const limits of [{ temperature: 100, topP: 1, topK: 2 ** 31 - 1, seed: 2 ** 32 - 1 }, {
      temperature: 0,
      topP: 1e-9,
    }]
  ) {
    assertEquals(parseSamplingOptions(limits), { ...greedySampling, ...limits });
  }
});

Deno.test("parseSamplingOptions names what is wrong, the value and what would be right", () => {
  const cases: [Record<string, unknown>, string][] = [
    [{ temperature: -1 }, "temperature: must be a number from 0 (always the likeliest token) to 100, not -1"],
    [{ temperature: NaN }, "temperature: must be a number from 0"],
    [{ temperature: "hot" }, 'not "hot"'],
    [{ topP: 0 }, "topP: must be a number above 0, up to 1 (all tokens), not 0"],
    [{ topP: 1.01 }, "not 1.01"],
    [{ topK: 2.5 }, "topK: must be a whole number from 0 to 2147483647, not 2.5"],
    [{ seed: 2 ** 32 }, "seed: must be a whole number from 0 to 4294967295, not 4294967296"],
    [{ top_k: 1 }, "there is no option top_k; the options are temperature, topP, topK, seed"],
    [{ topK: -1, seed: -2 }, "; seed: must be"],
  ];
  for (const [options, message] of cases) {
    assertThrows(() => parseSamplingOptions(options), RangeError, message);
  }
  for (const options of [null, [], "greedy"]) {
    assertThrows(() => parseSamplingOptions(options), TypeError, "must be an object");
  }
});

Deno.test("samplingOptionsSchema wants the complete set", () => {
  assertEquals(samplingOptionsSchema.safeParse({ temperature: 1 }).success, false);
  assertEquals(samplingOptionsSchema.safeParse(greedySampling).success, true);
});
