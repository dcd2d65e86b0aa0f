import { assert, assertEquals, assertFalse, assertStringIncludes } from "@std/assert";
import { planSetup, type SetupMachine } from "../../../experiments/setup/plan.ts";

const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n';
const UBUNTU = "NAME=Ubuntu\nID=ubuntu\nID_LIKE=debian\n";

function machine(changes: Partial<SetupMachine>): SetupMachine {
  return { os: "linux", osRelease: DEBIAN, uid: 0, installed: false, ...changes };
}

function advice(changes: Partial<SetupMachine>): string {
  const plan = planSetup(machine(changes));
  assert(plan.kind === "advise", `expected advice, got ${JSON.stringify(plan)}`);
  return plan.advice;
}

Deno.test("planSetup installs on Debian and Ubuntu as root: update first, then both packages", () => {
  for (const osRelease of [DEBIAN, UBUNTU, "ID=linuxmint\nID_LIKE='ubuntu debian'\n"]) {
    const plan = planSetup(machine({ osRelease }));
    assert(plan.kind === "install");
    assertEquals(plan.commands.map((command) => command[0]), ["apt-get", "apt-get"]);
    assertEquals(plan.commands[0].at(-1), "update");
    assertEquals(plan.commands[1].slice(-2), ["mesa-vulkan-drivers", "libvulkan1"]);
    assert(plan.commands[1].includes("-y"), "an install that asks would wait forever");
  }
});

Deno.test("planSetup tells the exact command of the system where it may not install", () => {
  const commands: [string, number, string][] = [
    [DEBIAN, 1000, "sudo apt-get update && sudo apt-get install -y mesa-vulkan-drivers libvulkan1"],
    [UBUNTU, 1000, "sudo apt-get update && sudo apt-get install -y mesa-vulkan-drivers libvulkan1"],
    ["ID=fedora\n", 0, "dnf install -y mesa-vulkan-drivers vulkan-loader"],
    ['ID="rocky"\nID_LIKE="rhel centos fedora"\n', 0, "dnf install -y mesa-vulkan-drivers vulkan-loader"],
    ["ID=arch\n", 0, "pacman -S --needed vulkan-swrast vulkan-icd-loader"],
    ["ID=manjaro\nID_LIKE=arch\n", 1000, "pacman -S --needed vulkan-swrast vulkan-icd-loader"],
    ["ID=alpine\n", 0, "apk add mesa-vulkan-swrast vulkan-loader"],
  ];
  for (const [osRelease, uid, command] of commands) assertStringIncludes(advice({ osRelease, uid }), command);
});

Deno.test("planSetup gives driver advice on systems without a package manager it knows", () => {
  assertStringIncludes(advice({ os: "darwin", osRelease: "" }), "Metal");
  assertStringIncludes(advice({ os: "windows", osRelease: "", uid: null }), "driver");
  assertStringIncludes(advice({ os: "freebsd", osRelease: "" }), '"freebsd"');
  assertStringIncludes(advice({ osRelease: "" }), "lavapipe");
  assertStringIncludes(advice({ osRelease: "ID=nixos\n" }), "lavapipe");
});

Deno.test("planSetup never installs twice", () => {
  const text = advice({ installed: true });
  assertStringIncludes(text, "are installed");
  assertFalse(text.includes("apt-get"));
});
