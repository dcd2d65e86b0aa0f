import { chooseCard, likeCards } from "../../executors/like_cards.ts";
import { scriptCommand } from "../../executors/work_command.ts";

/** Characters that are kept of what a worker says on standard error. */
const KEPT = 4000;

/**
 * Has processes of this machine answer the questions: each runs the ordinary command on the same folder, where they share them
 * by claims, and leaves the scoring out. One that is killed leaves its questions to the others, or to whoever scores.
 *
 * @throws what a worker that ended by itself said was wrong; the signal's reason.
 */
export async function answerHere(
  args: readonly string[],
  { workers, out, log, signal }: { workers: number; out: string; log: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const [command, ...rest] = scriptCommand("evaluate", [out], ["answer", ...args]);
  const cards = likeCards();
  const failures: string[] = [];
  await Promise.all(Array.from({ length: workers }, async (_, seat) => {
    const env = cards.length > 0 ? chooseCard(cards[seat % cards.length]) : {};
    const child = new Deno.Command(command, { args: rest, env, stdin: "null", stdout: "null", stderr: "piped" })
      .spawn();
    const stop = () => child.kill("SIGTERM");
    signal.addEventListener("abort", stop);
    let said = "";
    for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) said = (said + text).slice(-KEPT);
    const { success, signal: killed } = await child.status;
    signal.removeEventListener("abort", stop);
    if (success || signal.aborted) return;
    if (killed !== null) log(`worker ${child.pid} was killed (${killed}); the others answer what it left`);
    else failures.push(said.trim() || "a worker ended without a word");
  }));
  signal.throwIfAborted();
  if (failures.length === workers) throw new Error(failures[0].replace(/^evaluate: /, ""));
  for (const failure of failures) log(`a worker ended: ${failure}`);
}
