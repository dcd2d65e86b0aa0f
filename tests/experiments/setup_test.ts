import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Ended, runScript } from "./run_script.ts";
import { textOf } from "../source_files.ts";

const SCRIPT = new URL("../../experiments/setup.ts", import.meta.url).href;
const setup = (...args: string[]) => runScript("setup", args, { env: { XDG_RUNTIME_DIR: "" } });

Deno.test("setup prints the adapter and its limits, without the driver's complaint", async () => {
  const { code, out, err } = await setup();
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^WebGPU adapter: .+\n/);
  for (const part of ["largest storage binding", "f16", "timestamps", "kind"]) assertStringIncludes(out, part);
});

Deno.test("setup --quiet prints one line", async () => {
  const { code, out, err } = await setup("--quiet");
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^WebGPU adapter: .+, (software|hardware), f16 (yes|no), timestamps (yes|no)\n$/);
});

Deno.test("setup says what is wrong with its arguments, exit code 2", async () => {
  const { code, out, err } = await setup("--loud");
  assertEquals([code, out], [2, ""]);
  assertMatch(err, /^unknown argument "--loud"\nusage: deno task setup/);
});

/** Mesa's software driver, as the Vulkan loader finds it. */
const DRIVER = "/usr/share/vulkan/icd.d/lvp_icd.x86_64.json";
const canInstall = Deno.build.os === "linux" && Deno.uid() === 0 && isFile("/etc/debian_version") && isFile(DRIVER);

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Setup with its task's permissions on a machine whose only driver comes to be there by `apt-get`, which is played here. */
async function setupWithoutDriver(installs: boolean): Promise<Ended> {
  const folder = await Deno.makeTempDir();
  try {
    const driver = `${folder}/driver.json`;
    const install = installs ? `case "$*" in *install*) cp ${DRIVER} ${driver};; esac` : "true";
    await Deno.writeTextFile(`${folder}/apt-get`, `#!/bin/sh\n${install}\n`, { mode: 0o755 });
    const flags = JSON.parse(textOf("deno.json")).tasks.setup.split(" ").filter((word: string) =>
      word.startsWith("--")
    );
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", ...flags.map((flag: string) => flag.replace("/usr/bin/apt-get", `${folder}/apt-get`)), SCRIPT],
      env: {
        ...{ NO_COLOR: "1", PATH: `${folder}:${Deno.env.get("PATH")}` },
        // Without the first, a driver of OpenGL would do.
        ...{ DENO_WEBGPU_BACKEND: "vulkan", VK_ICD_FILENAMES: driver, VK_DRIVER_FILES: driver },
      },
      stdin: "null",
    });
    const { code, stdout, stderr } = await command.output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, out: text(stdout), err: text(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "setup installs the software adapter where there is none, finds it, and may do no more for it",
  ignore: !canInstall,
  fn: async () => {
    const { code, out, err } = await setupWithoutDriver(true);
    assertEquals(code, 0, err);
    assertMatch(
      err,
      /^no WebGPU adapter found: installing the software adapter\n {2}apt-get .* update\n {2}apt-get .*install/,
    );
    assertMatch(out, /^WebGPU adapter: llvmpipe/);
  },
});

Deno.test({
  name: "setup says what to look at where the install leaves no adapter all the same",
  ignore: !canInstall,
  fn: async () => {
    const { code, out, err } = await setupWithoutDriver(false);
    assertEquals([code, out], [1, ""]);
    assertMatch(err, /no WebGPU adapter found: the software adapter's packages are installed, but no adapter shows/);
  },
});
