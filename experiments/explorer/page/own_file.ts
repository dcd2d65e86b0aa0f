/// <reference lib="dom" />
import { byId } from "./form.ts";

/** Larger texts than a page's text field should hold; 16 MiB are some four million tokens. */
const MOST_BYTES = 16 * 2 ** 20;

/** Lets a text file be dropped or chosen; `onError` is told of one that is no text. */
export function takeFiles(onText: () => void, onError: (message: string) => void): void {
  const area = byId<HTMLTextAreaElement>("ownText");
  const take = async (file: File | null | undefined) => {
    if (!file) return;
    try {
      if (file.size > MOST_BYTES) throw new Error(`it has ${file.size} bytes; at most ${MOST_BYTES} can be read`);
      area.value = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
      onText();
    } catch (error) {
      const why = error instanceof TypeError ? "it is not UTF-8 text" : (error as Error).message;
      onError(`${file.name} can't be read: ${why}`);
    }
  };
  byId("ownFile").addEventListener("change", (event) => take((event.target as HTMLInputElement).files?.[0]));
  const form = byId("form");
  const mark = (dropping: boolean) => byId("own").classList.toggle("dropping", dropping);
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  form.addEventListener("dragleave", () => mark(false));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    byId("form").querySelector<HTMLInputElement>("input[name=text][value=own]")!.click();
    take(file);
  });
}
