/**
 * A peer's side of the benchmark: reads one request a line, answers one line. Requests are {prepare: work} and {runs: n};
 * answers {values} (the result at the places asked for), {milliseconds} (of one run), {refused: why}, or {fault}.
 */

/** Element `index` of input number `seed`, as in ../inputs.ts. */
function inputValue(seed, index) {
  let x = Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
  x = Math.imul(x ^ (x >>> 12), 0x297a2d39);
  return ((x ^ (x >>> 15)) >>> 21) / 2048 - 0.5;
}

/** All numbers of an input. */
export function inputValues(seed, count) {
  return Float32Array.from({ length: count }, (_, index) => inputValue(seed, index));
}

/**
 * Serves requests until the input ends.
 *
 * @param open makes {run, read, close} of {op, sizes}, or a text that says why it can't: `run()` starts one run and returns
 *   its result; `read(result)` waits for it and gives its numbers; `drop(result)` frees it; with `lazy` a result is computed only
 *   if it is waited for
 */
export async function serve(open) {
  let current;
  const answer = (message) => console.log(JSON.stringify(message));
  const lines = Deno.stdin.readable.pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const text of lines) {
    const parts = (rest + text).split("\n");
    rest = parts.pop();
    for (const line of parts) {
      try {
        const request = JSON.parse(line);
        if (request.prepare) {
          current?.close?.();
          current = await open(request.prepare);
          if (typeof current === "string") {
            answer({ refused: current });
            continue;
          }
          const result = await current.run();
          const numbers = await current.read(result);
          current.drop(result);
          answer({ values: request.prepare.places.map((place) => numbers[place]) });
        } else {
          const start = performance.now();
          const results = [];
          for (let run = 0; run < request.runs; run++) {
            if (!current.lazy && results.length > 0) current.drop(results.pop());
            results.push(await current.run());
          }
          // One wait for the last is one for all, since a queue is done in order; what is lazy has to be begun as well.
          await (current.lazy ? Promise.all(results.map(current.wait)) : current.wait(results[0]));
          answer({ milliseconds: (performance.now() - start) / request.runs });
          for (const result of results) current.drop(result);
        }
      } catch (error) {
        answer({ fault: String(error?.message ?? error).slice(0, 300) });
      }
    }
  }
}
