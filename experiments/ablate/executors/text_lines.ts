/** Bytes as whole lines of text, without their ends; a last line without one is left out. */
export class TextLineStream implements ReadableWritablePair<string, Uint8Array<ArrayBuffer>> {
  /** The lines. */
  readonly readable: ReadableStream<string>;
  /** The bytes. */
  readonly writable: WritableStream<Uint8Array<ArrayBuffer>>;

  /** Cuts a stream into lines. */
  constructor() {
    const decoder = new TextDecoderStream();
    let rest = "";
    this.writable = decoder.writable as WritableStream<Uint8Array<ArrayBuffer>>;
    this.readable = decoder.readable.pipeThrough(
      new TransformStream<string, string>({
        transform(text, controller) {
          const lines = (rest + text).split("\n");
          rest = lines.pop()!;
          for (const line of lines) controller.enqueue(line);
        },
      }),
    );
  }
}
