import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { ArgumentsError, parseExplorerArguments } from "../../../experiments/explorer/arguments.ts";

Deno.test("parseExplorerArguments: the page goes to results/explorer and is not served, unless told otherwise", () => {
  assertEquals(parseExplorerArguments([]), { help: false, serve: false, out: "results/explorer", port: 8000 });
  const told = parseExplorerArguments(["--serve", "--port", "0", "--out", "page"]);
  assertEquals(told, { help: false, serve: true, out: "page", port: 0 });
});

Deno.test("parseExplorerArguments names what is wrong", () => {
  const faults = [[["--port", "http"], '--port "http"'], [["--port", "70000"], "65535"], [["--out", ""], "--out"], [
    ["--open"],
    "--open",
  ]] as const;
  for (const [args, word] of faults) {
    const { message } = assertThrows(() => parseExplorerArguments(args), ArgumentsError) as Error;
    assertStringIncludes(message, word);
  }
});
