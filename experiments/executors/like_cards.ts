import { readSystemFile } from "../../lib/platform.ts";

/** A graphics card on the PCI bus. */
interface Card {
  /** Its address: "0000:17:00.0". */
  readonly address: string;
  /** Maker and model, as the bus tells them. */
  readonly model: string;
}

const BUS = "/sys/bus/pci/devices";
/** Display controllers, and those without a display. */
const GRAPHICS = /^0x03/;

function cards(): Card[] {
  const read = (address: string, name: string) => readSystemFile(`${BUS}/${address}/${name}`)?.trim() ?? "";
  return addresses().filter((address) => GRAPHICS.test(read(address, "class")))
    .map((address) => ({ address, model: `${read(address, "vendor")}:${read(address, "device")}` }));
}

/** What is on the bus. Deno opens no folder under /sys but for programs that may do everything; `ls` does. */
function addresses(): string[] {
  if (Deno.build.os !== "linux") return [];
  try {
    const { stdout } = new Deno.Command("ls", { args: [BUS], stdin: "null", stderr: "null" }).outputSync();
    return new TextDecoder().decode(stdout).split("\n").filter((name) => name !== "").sort();
  } catch {
    return [];
  }
}

/**
 * Addresses of this machine's graphics cards where it has several of one model. A laptop's second, slower card is none to
 * give half of the trials to; so where no two are alike, there is nothing to choose and the list is empty.
 */
export function likeCards(): string[] {
  const groups = [...Map.groupBy(cards(), ({ model }) => model).values()].sort((a, b) => b.length - a.length);
  return groups.length > 0 && groups[0].length > 1 ? groups[0].map(({ address }) => address) : [];
}

/**
 * What a process is told so that it finds this card first. WebGPU has no way to name one of several alike; on Linux Mesa's
 * layer for Vulkan puts the card of this variable in front, whoever made it.
 */
export function chooseCard(address: string): Record<string, string> {
  return { DRI_PRIME: `pci-${address.replaceAll(/[:.]/g, "_")}` };
}
