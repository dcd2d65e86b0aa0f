import { checkTokens } from "../text/check_tokens.ts";
import { Decoding } from "../decoder/decoding.ts";
import type { SequenceReader } from "./sequence_reader.ts";
import { checkGeneration, type GenerateOptions } from "./session_options.ts";

/** Reads a prompt and writes an answer to it, batch by batch; however it ends, the reader goes on from what was taken in. */
export async function* streamAnswer(
  reader: SequenceReader,
  prompt: readonly number[],
  options: GenerateOptions,
): AsyncGenerator<number[], void, void> {
  const { config } = reader.stepper.model;
  const generation = checkGeneration(options, config);
  checkTokens(prompt, config.vocabularySize);
  const before = reader.begin();
  try {
    const decoding = new Decoding(reader.stepper, [await reader.readPrompt(prompt, generation.signal)]);
    try {
      for await (const [batch] of decoding.run(generation)) yield batch;
    } finally {
      if (!reader.stepper.disposed) {
        reader.tookIn(decoding.tokens[0]);
        reader.pending = decoding.pending[0];
      }
    }
  } finally {
    reader.end(before);
  }
}
