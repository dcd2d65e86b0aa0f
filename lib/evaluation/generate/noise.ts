/** Sentences that say nothing, repeated as filler: this toolkit's own, in the manner of passkey tests. */
const noiseSentences: readonly string[] = [
  "The kettle is warm.",
  "The road is long.",
  "The bell is small.",
  "They walk on.",
  "Up the hill and down once more.",
];

/** All of them in a row. */
export const noiseBlock: string = noiseSentences.join(" ");
