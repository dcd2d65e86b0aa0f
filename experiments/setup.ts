/**
 * `deno task setup`: finds a WebGPU adapter and prints it. Where there is none it installs the software adapter, on
 * Debian and Ubuntu as root, and tells the command to do so anywhere else.
 */

import { adapterLine, adapterReport } from "./setup/describe.ts";
import { planSetup } from "./setup/plan.ts";
import { nameRuntimeFolder } from "./setup/runtime_folder.ts";

const USAGE = `usage: deno task setup [--quiet]

  --quiet  print one line where all is well`;

/** Given to the second run, which looks again after an install: one process never finds an adapter it once missed. */
const AFTER_INSTALL = "--after-install";

async function main(args: readonly string[]): Promise<number> {
  const unknown = args.find((arg) => !["--quiet", "--help", AFTER_INSTALL].includes(arg));
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
  return await withoutAdapter(args);
}

async function withoutAdapter(args: readonly string[]): Promise<number> {
  const plan = planSetup({
    os: Deno.build.os,
    osRelease: await osRelease(),
    uid: Deno.build.os === "windows" ? null : Deno.uid(),
    installed: args.includes(AFTER_INSTALL),
  });
  if (plan.kind === "advise") {
    console.error(`no WebGPU adapter found: ${plan.advice}`);
    return 1;
  }
  console.error("no WebGPU adapter found: installing the software adapter");
  for (const command of plan.commands) {
    if (!await runs(command)) return 1;
  }
  const again = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", import.meta.filename!, ...args, AFTER_INSTALL],
    stdin: "null",
  });
  return (await again.spawn().status).code;
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
