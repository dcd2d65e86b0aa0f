/**
 * `deno task verify --attention DIR --models DIR`: runs the reference's golden files and says where this toolkit agrees.
 */

import { Device } from "../lib/gpu/mod.ts";
import { loadModel } from "../lib/model/mod.ts";
import { FlagsError } from "./command/flags.ts";
import { runToEnd } from "./command/run_to_end.ts";
import { parseVerifyArguments, USAGE, type VerifyArguments } from "./verify/arguments.ts";
import { verifyAttention } from "./verify/attention_case.ts";
import { verifyLogits, verifyReAttention } from "./verify/model_case.ts";
import { type Verdict, verdictHead, verdictLine } from "./verify/verdict.ts";

/** A golden to run. */
interface Case {
  readonly name: string;
  readonly kind: string;
  readonly run: () => Promise<Verdict>;
}

async function verify(asked: VerifyArguments): Promise<number> {
  using device = await Device.open();
  const cases = [...attentionCases(device, asked), ...modelCases(device, asked.models)];
  if (cases.length === 0) throw new Error("the folders hold no golden");
  console.log(`${device.info.name}\n\n${verdictHead()}`);
  let failed = 0;
  for (const { name, kind, run } of cases) {
    const verdict = await run().catch((error: Error): Verdict => {
      return { agree: 0, compared: 0, ties: 0, absolute: 0, relative: 0, pass: false, problem: error.message };
    });
    if (!verdict.pass) failed++;
    console.log(verdictLine(name, kind, verdict));
  }
  console.log(`\n${cases.length - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

function attentionCases(device: Device, { attention, storage }: VerifyArguments): Case[] {
  if (attention === undefined) return [];
  return entries(attention).filter(({ name }) => name.endsWith(".safetensors")).map(({ name }) => ({
    name: name.replace(/\.safetensors$/, ""),
    kind: "attention",
    run: () => verifyAttention(device, `${attention}/${name}`, storage),
  }));
}

function modelCases(device: Device, models: string | undefined): Case[] {
  if (models === undefined) return [];
  return entries(models).filter(({ isDirectory }) => isDirectory).flatMap(({ name }) => {
    const folder = `${models}/${name}`;
    const runWith = (verify: typeof verifyLogits, file: string) => async () => {
      using model = await loadModel(folder, { device });
      return await verify(model, `${folder}/${file}`);
    };
    return entries(folder).flatMap(({ name: file }): Case[] => {
      if (file === "golden.safetensors") return [{ name, kind: "logits and greedy", run: runWith(verifyLogits, file) }];
      if (!/^reattention_.*\.safetensors$/.test(file)) return [];
      const variant = file.replace(/\.safetensors$/, "");
      return [{ name: `${name}/${variant}`, kind: "selections", run: runWith(verifyReAttention, file) }];
    });
  });
}

function entries(folder: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(folder)].sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    throw new Error(`cannot read the folder ${folder}: ${(error as Error).message}`);
  }
}

if (import.meta.main) {
  const command = {
    name: "verify",
    usage: USAGE,
    parse: parseVerifyArguments,
    argumentsError: FlagsError,
    run: verify,
  };
  Deno.exitCode = await runToEnd(command, Deno.args);
}
