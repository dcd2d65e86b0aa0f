import { prefillStream, type TextSource } from "./append_stream.ts";
import type { TextOrTokens } from "../text/question_tokens.ts";
import type { SequenceReader } from "./sequence_reader.ts";
import type { AppendOptions } from "./session_options.ts";
import { openingTokens } from "../text/token_stream.ts";

/** Reads tokens, a text, or a stream of text into a reader's cache. */
export async function appendTo(
  reader: SequenceReader,
  input: TextOrTokens | TextSource,
  options: AppendOptions,
): Promise<void> {
  await reader.exclusively(async () => {
    if (input instanceof ReadableStream) {
      await prefillStream(reader, input, options);
    } else {
      const tokens = typeof input === "string" ? tokensBehind(reader, input) : input;
      await reader.prefill(reader.takePending(tokens), options);
    }
    await reader.stepper.readScope();
  });
}

/** A text's tokens; where it begins the context, with those that the tokenizer puts before a text. */
function tokensBehind({ length, stepper: { model: { tokenizer } } }: SequenceReader, text: string): readonly number[] {
  const tokens = tokenizer.encode(text, { addSpecialTokens: false });
  return length === 0 ? [...openingTokens(tokenizer), ...tokens] : tokens;
}

/** Reads tokens and gives the logits after each of them, row-major [tokens, vocabulary]. */
export async function appendForLogits(
  reader: SequenceReader,
  tokens: readonly number[],
  options: AppendOptions,
): Promise<Float32Array> {
  const { config: { vocabularySize }, decoder } = reader.stepper.model;
  const pending = reader.pending.length;
  const all = new Float32Array((pending + tokens.length) * vocabularySize);
  let done = 0;
  await reader.exclusively(async () => {
    await reader.prefill(reader.takePending(tokens), options, async (hidden) => {
      using logits = decoder.allLogits(hidden);
      // The scope comes along: each wait for the GPU costs some 10 ms, which is most of a step of one token.
      const { buffer, byteOffset, length } = await reader.stepper.readScope(logits);
      all.set(new Float32Array(buffer, byteOffset, length), done * vocabularySize);
      done += hidden.shape[1];
    });
    if (done === 0) await reader.stepper.readScope();
  });
  return all.subarray(pending * vocabularySize);
}
