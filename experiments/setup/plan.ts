/** What to do where no WebGPU adapter was found. */

/** What is known of the machine. */
export interface SetupMachine {
  /** Deno's name of the system: "linux", "darwin", "windows" and so on. */
  readonly os: string;
  /** The text of os-release, empty where there is none. */
  readonly osRelease: string;
  /** The user's number, or null where the system has none; 0 may install packages. */
  readonly uid: number | null;
  /** Whether an install was tried already, and left no adapter all the same. */
  readonly installed: boolean;
}

/** Packages to install, or the advice to print. */
export type SetupPlan =
  | { readonly kind: "install"; readonly commands: readonly (readonly string[])[] }
  | { readonly kind: "advise"; readonly advice: string };

const DEBIAN_PACKAGES = ["mesa-vulkan-drivers", "libvulkan1"];
/** apt-get waits for another one that holds its lock. */
const APT = ["apt-get", "-o", "DPkg::Lock::Timeout=120"];

/** Install commands by the ID or ID_LIKE of os-release. */
const COMMANDS: readonly (readonly [ids: readonly string[], command: string])[] = [
  [
    ["debian", "ubuntu"],
    `sudo apt-get update && sudo apt-get install -y ${DEBIAN_PACKAGES.join(" ")}`,
  ],
  [["fedora", "rhel", "centos"], "sudo dnf install -y mesa-vulkan-drivers vulkan-loader"],
  [["arch"], "sudo pacman -S --needed vulkan-swrast vulkan-icd-loader"],
  [["alpine"], "apk add mesa-vulkan-swrast vulkan-loader"],
];

/** Decides what to do on a machine that showed no adapter. */
export function planSetup(machine: SetupMachine): SetupPlan {
  if (machine.os !== "linux") return { kind: "advise", advice: driverAdvice(machine.os) };
  const ids = distributionIds(machine.osRelease);
  if (machine.installed) return { kind: "advise", advice: STILL_NONE };
  const debian = ids.includes("debian") || ids.includes("ubuntu");
  if (debian && machine.uid === 0) {
    return {
      kind: "install",
      commands: [[...APT, "update"], [...APT, "install", "-y", "--no-install-recommends", ...DEBIAN_PACKAGES]],
    };
  }
  const [, command] = COMMANDS.find(([known]) => known.some((id) => ids.includes(id))) ?? [];
  if (command) return { kind: "advise", advice: `install the software adapter and run this again:\n\n  ${command}\n` };
  return {
    kind: "advise",
    advice: "install Mesa's software Vulkan driver (lavapipe) and the Vulkan loader with this system's package " +
      "manager, and run this again",
  };
}

const STILL_NONE = "the software adapter's packages are installed, but no adapter shows; " +
  "`vulkaninfo --summary` (package vulkan-tools) tells which drivers the Vulkan loader finds";

/** ID and ID_LIKE of an os-release text, most specific first. */
function distributionIds(osRelease: string): string[] {
  const values = new Map<string, string>();
  for (const line of osRelease.split("\n")) {
    const match = line.match(/^\s*(ID|ID_LIKE)=(["']?)(.*?)\2\s*$/);
    if (match) values.set(match[1], match[3].toLowerCase());
  }
  return [values.get("ID") ?? "", ...(values.get("ID_LIKE") ?? "").split(/\s+/)].filter((id) => id !== "");
}

function driverAdvice(os: string): string {
  if (os === "darwin") {
    return "macOS brings its driver (Metal) with it: update macOS, and run outside virtual machines that show no GPU";
  }
  if (os === "windows") {
    return "install the graphics card maker's current driver (Direct3D 12 or Vulkan), or use Windows Subsystem for " +
      "Linux with Debian or Ubuntu";
  }
  return `no way to install an adapter on "${os}" is known here: WebGPU needs a Vulkan, Metal or Direct3D 12 driver`;
}
