import { assert, assertEquals } from "@std/assert";
import { lossByPosition, readBook } from "../../lib/evaluation/mod.ts";
import { loadModel } from "../../lib/model/mod.ts";
import { gpuTest } from "../gpu_test_device.ts";

gpuTest(
  "a later token leaves causal losses bitwise as they were, and changes those where chunks vote",
  async (device) => {
    using model = await loadModel("demo", { device });
    const tokens = model.tokenizer.encode((await readBook("persuasion")).slice(0, 6000)).slice(0, 576);
    const bin = 64;
    const rows = 8;
    // In the last bin the middle has tokens to pick from. All tokens after the scored ones of that bin are others.
    const last = 512;
    const changed = tokens.map((token, index) => index > last + rows ? (token + 1000) % 8000 : token);
    const losses = async (text: readonly number[]) => {
      using session = model.createSession({ method: "reattention", knobs: { chunkSize: 64, recallClip: 2 } });
      const options = { bin, rows, chunk: 64, votes: true };
      return await lossByPosition(session, text, model.config.vocabularySize, options);
    };
    const [before, after] = [await losses(tokens), await losses(changed)];
    assertEquals(before.map(({ losses }) => losses), after.map(({ losses }) => losses));
    const { lookAhead } = before.at(-1)!;
    assert(
      lookAhead.some((loss, index) => loss !== after.at(-1)!.lookAhead[index]),
      "chunk votes should see the change",
    );
  },
);

gpuTest("full attention's losses one by one are those of whole chunks", async (device) => {
  using model = await loadModel("demo", { device });
  const tokens = model.tokenizer.encode((await readBook("emma")).slice(0, 600)).slice(0, 97);
  using session = model.createSession({ method: "full" });
  const [{ losses, lookAhead }] = await lossByPosition(session, tokens, model.config.vocabularySize, {
    bin: 128,
    rows: 96,
    chunk: 64,
    votes: true,
  });
  // Sums of another order: a step of one row and one of 64 use other kernels.
  for (const [index, loss] of losses.entries()) assert(Math.abs(loss - lookAhead[index]) < 1e-3, `token ${index}`);
});
