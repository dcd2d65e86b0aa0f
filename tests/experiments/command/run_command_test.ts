import { assertEquals, assertRejects } from "@std/assert";
import { type Command, runCommand } from "../../../experiments/command/run_command.ts";

class WrongArguments extends Error {}

const command: Command<{ help: boolean; words: readonly string[] }> = {
  name: "say",
  usage: "usage: say WORDS",
  parse: (args) => {
    if (args.length === 0) throw new WrongArguments("give a word");
    if (args[0] === "broken") throw new TypeError("a fault of ours");
    return { help: args[0] === "--help", words: args };
  },
  argumentsError: WrongArguments,
  run: ({ words }) => {
    if (words[0] === "fail") return Promise.reject(new Error("no voice"));
    console.log(words.join(" "));
    return Promise.resolve(words[0] === "three" ? 3 : undefined);
  },
  stopped: ({ words }) => `stopped; ${words.length} words were to come`,
};

/** What the command prints, and its exit code. */
async function ran(...args: string[]) {
  const [log, error] = [console.log, console.error];
  const out: string[] = [];
  const err: string[] = [];
  console.log = (line: string) => void out.push(line);
  console.error = (line: string) => void err.push(line);
  try {
    return { code: await runCommand(command, args), out, err };
  } finally {
    [console.log, console.error] = [log, error];
  }
}

// What Ctrl-C does is tested with the commands themselves: a signal would end the tests, too.
Deno.test("runCommand gives each end its exit code, and its message the command's name", async () => {
  assertEquals(await ran("a", "b"), { code: 0, out: ["a b"], err: [] });
  assertEquals(await ran("three"), { code: 3, out: ["three"], err: [] });
  assertEquals(await ran("--help"), { code: 0, out: ["usage: say WORDS"], err: [] });
  assertEquals(await ran(), { code: 2, out: [], err: ["say: give a word\n\nusage: say WORDS"] });
  assertEquals(await ran("fail"), { code: 1, out: [], err: ["say: no voice"] });
  await assertRejects(() => ran("broken"), TypeError, "a fault of ours");
});
