// What the control group of a process leaves it: containers are held to it, whatever the machine has.

/** Reads a small file; undefined where there is none or it can't be read. */
export type ReadSmallFile = (path: string) => string | undefined;

interface Layout {
  folder: string;
  limit: string;
  usage: string;
  inactive: string;
}

function layouts(membership: string): Layout[] {
  return membership.split("\n").flatMap((line): Layout[] => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === "") {
      return [{
        folder: `/sys/fs/cgroup${path}`,
        limit: "memory.max",
        usage: "memory.current",
        inactive: "inactive_file",
      }];
    }
    if (!controllers?.split(",").includes("memory")) return [];
    return [{
      folder: `/sys/fs/cgroup/memory${path}`,
      limit: "memory.limit_in_bytes",
      usage: "memory.usage_in_bytes",
      inactive: "total_inactive_file",
    }];
  });
}

/** Bytes left in one group; the file cache that the kernel would drop first counts as free. */
function leftIn(folder: string, layout: Layout, read: ReadSmallFile): number {
  const limit = Number.parseInt(read(`${folder}/${layout.limit}`) ?? "", 10);
  // "max", a missing file, and version 1's huge "no limit" all mean none.
  if (!Number.isFinite(limit) || limit >= 2 ** 60) return Infinity;
  const usage = Number.parseInt(read(`${folder}/${layout.usage}`) ?? "", 10) || 0;
  const statistics = read(`${folder}/memory.stat`) ?? "";
  const cache = new RegExp(`^${layout.inactive} (\\d+)$`, "m").exec(statistics);
  return Math.max(0, limit - usage + Math.min(usage, Number(cache?.[1] ?? 0)));
}

/**
 * Bytes that the memory limits of this process's control groups leave (versions 1 and 2), its own group's
 * and those around it; Infinity where there are no limits.
 *
 * @param read reads a file of /proc or /sys, undefined where there is none
 */
export function controlGroupMemoryLeft(read: ReadSmallFile): number {
  let least = Infinity;
  for (const layout of layouts(read("/proc/self/cgroup") ?? "")) {
    const root = layout.limit === "memory.max" ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    // Inside a container the path may be the host's: the groups that exist on the way up to the root count.
    let folder = layout.folder.replace(/\/+$/, "");
    while (folder.length >= root.length) {
      least = Math.min(least, leftIn(folder, layout, read));
      folder = folder.slice(0, folder.lastIndexOf("/"));
    }
  }
  return least;
}
