/// <reference lib="dom" />
import { Device } from "../../../lib/gpu/mod.ts";
import { loadModel, type Model, type Session } from "../../../lib/model/mod.ts";
import { type Answer, answer, startSession } from "./answer.ts";
import { contextOf } from "./context.ts";
import { type ExplorerCase, readCase } from "./explorer_case.ts";
import { drawAttention, drawSpans } from "./figures.ts";
import { byId, CaseForm } from "./form.ts";
import { takeFiles } from "./own_file.ts";

const form = new CaseForm();
const notice = byId("notice");
let model: Model | undefined;
let session: Session | undefined;
let stop: AbortController | undefined;

function say(message: string): void {
  notice.textContent = message;
  notice.hidden = message === "";
}

function status(text: string): void {
  byId("status").textContent = text;
}

/** What is wrong with this browser, or nothing. */
function missing(): string {
  if (!globalThis.isSecureContext) {
    return "Browsers give WebGPU only to pages that come by https or from this very machine (localhost). Open the page so.";
  }
  if ("gpu" in navigator) return "";
  return "This browser has no WebGPU, which the model runs on. Current versions of Chrome, Edge and Safari have it, and Firefox " +
    "on some systems; Chrome on Linux may want it switched on at chrome://flags/#enable-unsafe-webgpu. Without a browser, " +
    "deno task demo asks the same questions.";
}

/** The embedded model; its files lie beside the page. */
async function openModel(): Promise<Model> {
  status("The model is being loaded.");
  const device = await Device.open();
  return await loadModel(new URL("demo/", location.href), { device });
}

/** Gives the page time to show what was written on it. */
async function painted(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 30));
}

async function run(asked: ExplorerCase): Promise<void> {
  if (!model) return;
  stop?.abort();
  const own = stop = new AbortController();
  const { signal } = own;
  busy(true);
  say("");
  history.replaceState(null, "", CaseForm.link(asked));
  for (const id of ["answer", "prompt"]) byId(id).textContent = "";
  try {
    status("The text is being made.");
    await painted();
    const context = await contextOf(model.tokenizer, asked, byId<HTMLTextAreaElement>("ownText").value);
    byId("prompt").textContent = context.prompt.trim();
    session?.[Symbol.dispose]();
    session = startSession(model, asked);
    const said = await answer(session, context, {
      signal,
      onProgress: (done, total) => {
        byId<HTMLProgressElement>("progress").value = done / total;
        // Read aloud only now and then.
        if (done === total || Math.floor(10 * done / total) > Math.floor(10 * (done - 256) / total)) {
          status(`Reading: ${grouped(done)} of ${grouped(total)} tokens.`);
        }
      },
      onText: (text) => byId("answer").textContent = text,
    });
    addRow(said);
    status(verdict(said));
    await drawSpans(said, context.needle);
    await drawAttention(said, context.needle).catch((error) => say(`No attention figure: ${messageOf(error)}`));
  } catch (error) {
    status(signal.aborted ? "Stopped." : "");
    if (!signal.aborted) say(messageOf(error));
  } finally {
    if (stop === own) busy(false);
  }
}

function verdict({ right, expected, seconds, contextTokens }: Answer): string {
  const read = `Read ${grouped(contextTokens)} tokens in ${seconds.toFixed(1)} s.`;
  if (right === undefined) return read;
  return right ? `Right. ${read}` : `Wrong: expected was "${expected}". ${read}`;
}

/** A row of the table of answers; every text is text, whatever it holds. */
function addRow({ method, contextTokens, said, right, scope, beyondTrained, seconds }: Answer): void {
  const table = byId<HTMLTableElement>("answers");
  const cells: [string, string][] = [
    [method, ""],
    [grouped(contextTokens), "number"],
    [said, ""],
    [right === undefined ? "" : right ? "right" : "wrong", right ? "right" : "wrong"],
    [`${grouped(scope)}${beyondTrained ? "*" : ""}`, "number"],
    [seconds.toFixed(1), "number"],
  ];
  const row = table.tBodies[0].insertRow(0);
  for (const [text, kind] of cells) {
    const cell = row.insertCell();
    cell.textContent = text;
    cell.className = kind;
  }
  table.hidden = byId("scopeNote").hidden = false;
}

function grouped(number: number): string {
  return number.toLocaleString("en-US");
}

function busy(running: boolean): void {
  byId<HTMLButtonElement>("run").disabled = running;
  byId<HTMLButtonElement>("stop").disabled = !running;
  document.body.toggleAttribute("data-busy", running);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Reads the form and acts on the case; what is wrong in it is said. */
function withCase(act: (asked: ExplorerCase) => void): void {
  try {
    act(form.read());
  } catch (error) {
    say(messageOf(error));
  }
}

/** Shows the case of the page's address; true where it is there and right. */
function takeAddress(): boolean {
  const settings = location.hash.slice(1);
  if (settings === "") return false;
  try {
    form.show(readCase(new URLSearchParams(settings)));
    return true;
  } catch (error) {
    say(`This link can't be followed. ${messageOf(error)}`);
    return false;
  }
}

async function start(): Promise<void> {
  say("");
  const replay = takeAddress();
  byId("form").addEventListener("submit", (event) => {
    event.preventDefault();
    withCase(run);
  });
  byId("stop").addEventListener("click", () => stop?.abort());
  byId("link").addEventListener("click", () =>
    withCase(async (asked) => {
      const link = CaseForm.link(asked);
      history.replaceState(null, "", link);
      // Without the permission the address bar has it all the same.
      await navigator.clipboard?.writeText(link).then(() => status("The link is copied."), () => status(link));
    }));
  addEventListener("hashchange", () => takeAddress() && withCase(run));
  takeFiles(() => say(""), say);
  const problem = missing();
  if (problem) return say(problem);
  try {
    model = await openModel();
    byId<HTMLButtonElement>("run").disabled = false;
    status("Ready.");
  } catch (error) {
    status("");
    return say(messageOf(error));
  }
  if (replay) withCase(run);
}

await start();
