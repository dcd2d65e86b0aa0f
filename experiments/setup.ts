/**
 * `deno task setup`: finds a WebGPU adapter and prints it. Where there is none it installs the software adapter, on
 * Debian and Ubuntu as root, and tells the command to do so anywhere else.
 */

import { adapterLine, adapterReport } from "./setup/describe.ts";
import { planSetup } from "./setup/plan.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";

const USAGE = `usage: deno task setup [--quiet]

  --quiet  print one line where all is well`;

/** An adapter in words. */
interface Described {
  readonly line: string;
  readonly report: string;
}

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => !["--quiet", "--help"].includes(arg));
  if (unknown !== undefined) {
    console.error(`unknown argument "${unknown}"\n${USAGE}`);
    return 2;
  }
  if (args.includes("--help")) {
    console.log(USAGE);
    return 0;
  }
  nameRuntimeFolder();
  const adapter = await navigator.gpu?.requestAdapter({ powerPreference: "high-performance" });
  if (adapter) {
    console.log(args.includes("--quiet") ? adapterLine(adapter) : adapterReport(adapter));
    return 0;
  }
  const installed = await installAdapter();
  if (!installed) return 1;
  console.log(args.includes("--quiet") ? installed.line : installed.report);
  return 0;
}

/** Installs the software adapter where that can be done; undefined where there is no adapter after all, once that is said. */
async function installAdapter(): Promise<Described | undefined> {
  const machine = {
    os: Deno.build.os,
    osRelease: await osRelease(),
    uid: Deno.build.os === "windows" ? null : Deno.uid(),
  };
  const plan = planSetup({ ...machine, installed: false });
  if (plan.kind === "install") {
    console.error("no WebGPU adapter found: installing the software adapter");
    for (const command of plan.commands) {
      if (!await runs(command)) return undefined;
    }
    const found = await lookAgain();
    if (found) return found;
  }
  const advised = plan.kind === "install" ? planSetup({ ...machine, installed: true }) : plan;
  if (advised.kind === "advise") console.error(`no WebGPU adapter found: ${advised.advice}`);
  return undefined;
}

/** Looks from a thread of its own: one never finds an adapter that it once missed. */
async function lookAgain(): Promise<Described | undefined> {
  const worker = new Worker(new URL("./setup/look_again.ts", import.meta.url), { type: "module" });
  try {
    return await new Promise<Described | undefined>((resolve, reject) => {
      worker.onmessage = ({ data }) => resolve(data.line === undefined ? undefined : data);
      worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message));
      };
    });
  } finally {
    worker.terminate();
  }
}

/** Runs one install command; its output is shown only where it fails. */
async function runs(command: readonly string[]): Promise<boolean> {
  const [program, ...args] = command;
  console.error(`  ${command.join(" ")}`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  try {
    const { success, stdout, stderr } = await new Deno.Command(program, { args, env, stdin: "null" }).output();
    if (!success) {
      console.error(new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
      console.error(`the command failed: ${command.join(" ")}`);
    }
    return success;
  } catch (error) {
    console.error(`cannot run ${program}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

async function osRelease(): Promise<string> {
  for (const path of ["/etc/os-release", "/usr/lib/os-release"]) {
    try {
      return await Deno.readTextFile(path);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return "";
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
