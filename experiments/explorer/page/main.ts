/// <reference lib="dom" />
import { Device } from "../../../lib/gpu/mod.ts";
import { loadModel, type Model, type Session } from "../../../lib/model/mod.ts";
import { answer, startSession, type WrittenStep } from "./answer.ts";
import { addRow, grouped, verdict } from "./answers.ts";
import { contextOf } from "./context.ts";
import { type ExplorerCase, readCase } from "./explorer_case.ts";
import { drawAnswer, drawSpans, hideFigures } from "./figures.ts";
import { byId, CaseForm } from "./form.ts";
import { takeFiles } from "./own_file.ts";

const form = new CaseForm();
const notice = byId("notice");
let model: Model | undefined;
let session: Session | undefined;
let stop: AbortController | undefined;
let running: Promise<void> = Promise.resolve();

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

/** Answers a case. What still runs is stopped, and ends before: both would use the same session. */
function run(asked: ExplorerCase): void {
  stop?.abort();
  const own = stop = new AbortController();
  running = running.then(() => own === stop ? runCase(asked, own.signal) : undefined);
}

async function runCase(asked: ExplorerCase, signal: AbortSignal): Promise<void> {
  if (!model) return;
  busy(true);
  say("");
  hideFigures();
  history.replaceState(null, "", CaseForm.link(asked));
  for (const id of ["answer", "prompt", "copied"]) byId(id).textContent = "";
  byId<HTMLProgressElement>("progress").value = 0;
  try {
    status("The text is being made.");
    await painted();
    const context = await contextOf(model.tokenizer, asked, byId<HTMLTextAreaElement>("ownText").value);
    byId("prompt").textContent = context.prompt.trim();
    session?.[Symbol.dispose]();
    session = startSession(model, asked);
    const onText = async (text: string, step: WrittenStep | undefined) => {
      byId("answer").textContent = text;
      await drawSpans(step, context.needle);
    };
    const said = await answer(session, context, { signal, onProgress: showProgress, onText });
    addRow(said);
    status(verdict(said));
    const drawing = (act: () => Promise<void>) =>
      act().catch((error) => {
        if (!signal.aborted) say(`No attention figure: ${messageOf(error)}`);
      });
    await drawing(() =>
      drawAnswer(said, context.needle, (act) => {
        running = running.then(() => signal.aborted ? undefined : drawing(act));
      })
    );
  } catch (error) {
    status(signal.aborted ? "Stopped." : "");
    if (!signal.aborted) say(messageOf(error));
  } finally {
    busy(false);
  }
}

function showProgress(done: number, total: number): void {
  const bar = byId<HTMLProgressElement>("progress");
  const tenths = (share: number) => Math.floor(10 * share);
  // Read aloud only now and then.
  const tell = done === total || tenths(done / total) > tenths(bar.value);
  bar.value = done / total;
  if (tell) status(`Reading: ${grouped(done)} of ${grouped(total)} tokens.`);
}

/** One of Ask and Stop can be pressed at a time; who pressed one with the keyboard goes on at the other. */
function busy(working: boolean): void {
  const ask = byId<HTMLButtonElement>("run");
  const end = byId<HTMLButtonElement>("stop");
  const pressed = document.activeElement === (working ? ask : end);
  ask.disabled = working;
  end.disabled = !working;
  if (pressed) (working ? end : ask).focus();
  document.body.toggleAttribute("data-busy", working);
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

/** Puts the case's link into the clipboard; where the browser refuses, it stands in the address bar all the same. */
async function copyLink(asked: ExplorerCase): Promise<void> {
  const link = CaseForm.link(asked);
  history.replaceState(null, "", link);
  const own = asked.text === "own" ? " Your own text is not in it." : "";
  try {
    await navigator.clipboard.writeText(link);
    byId("copied").textContent = `The link is copied.${own}`;
  } catch {
    byId("copied").textContent = `The link is in the address bar.${own}`;
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
  byId("link").addEventListener("click", () => withCase(copyLink));
  addEventListener("hashchange", () => takeAddress() && withCase(run));
  takeFiles({
    onText: (message) => {
      say("");
      status(message);
    },
    onError: say,
  });
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
