/// <reference lib="dom" />
import { byId } from "./form.ts";

/** Larger texts than a page's text field should hold; 16 MiB are some four million tokens. */
const MOST_BYTES = 16 * 2 ** 20;

/** Who hears of files. */
export interface FileListener {
  /** Called with what came of a file that is read. */
  readonly onText: (message: string) => void;
  /** Called with what is wrong with one that is not. */
  readonly onError: (message: string) => void;
}

/** Lets a text file be chosen, or dropped anywhere on the page; its text is then the page's own text. */
export function takeFiles(listener: FileListener): void {
  byId("ownFile").addEventListener("change", (event) => {
    const file = (event.target as HTMLInputElement).files?.[0];
    if (file) take(file, listener);
  });
  const marked = byId("text");
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    marked.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    // Between two elements of the page the drag goes on.
    if (event.relatedTarget === null) marked.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    // Elsewhere a browser would leave the page for the file.
    event.preventDefault();
    marked.classList.remove("dropping");
    const file = event.dataTransfer!.files[0];
    if (!file) return;
    byId("form").querySelector<HTMLInputElement>("input[name=text][value=own]")!.click();
    take(file, listener);
  });
}

function holdsFiles(event: DragEvent): boolean {
  return event.dataTransfer?.types.includes("Files") ?? false;
}

async function take(file: File, { onText, onError }: FileListener): Promise<void> {
  try {
    if (file.size > MOST_BYTES) throw new Error(`it has ${file.size} bytes; at most ${MOST_BYTES} can be read`);
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    byId<HTMLTextAreaElement>("ownText").value = text;
    onText(`${file.name} is read: ${text.length.toLocaleString("en-US")} characters.`);
  } catch (error) {
    const why = error instanceof TypeError ? "it is not UTF-8 text" : (error as Error).message;
    onError(`${file.name} can't be read: ${why}`);
  }
}
