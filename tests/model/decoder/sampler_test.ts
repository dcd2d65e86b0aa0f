import { assertEquals } from "@std/assert";
import { greedySampling } from "../../../lib/model/mod.ts";
import { greedyWays, Sampler } from "../../../lib/model/decoder/sampler.ts";
import { Tensor } from "../../../lib/tensor/mod.ts";
import { randomFloats } from "../../tensor/cases.ts";
import { gpuTest } from "../../gpu_test_device.ts";

gpuTest(
  "a greedy choice (greedy_blocks, greedy_join, parts/best_key, parts/order_key) is the highest logit, the lowest token among equals, by one workgroup and by many",
  async (device) => {
    for (const { name } of greedyWays) {
      device.choices.pick("greedy choice", name);
      for (const vocabulary of [5, 2048, 2049, 70000]) {
        const logits = randomFloats(2 * vocabulary, vocabulary, "f32");
        // The first sequence's highest stands twice; the second's are all below zero, its highest last.
        logits[1] = logits[vocabulary - 2] = 1000;
        for (let token = 0; token < vocabulary; token++) logits[vocabulary + token] = -2 - token % 3;
        logits[2 * vocabulary - 1] = -1;
        using tensor = Tensor.from(device, logits, [2, vocabulary]);
        using sampler = new Sampler(device, 2, 3, greedySampling);
        sampler.choose(tensor);
        sampler.choose(tensor);
        assertEquals([...await sampler.next.read()], [1, vocabulary - 1], `${name}, ${vocabulary}`);
        assertEquals(
          [...await sampler.chosen.read()],
          [1, 1, 0, vocabulary - 1, vocabulary - 1, 0],
          `${name}, ${vocabulary}`,
        );
      }
      device.choices.pick("greedy choice", undefined);
    }
  },
);
