import { KernelFiles } from "./files.js";

/** Where cgroup v2 is mounted; undefined where it is not. */
export function findCgroupRoot(
  mounts: string | undefined = new KernelFiles().text("/proc/self/mounts"),
): string | undefined {
  for (const line of mounts?.split("\n") ?? []) {
    const [, folder, type] = line.split(" ");
    // Blanks and the like are written as octal numbers.
    if (type === "cgroup2")
      return folder?.replace(/\\(\d{3})/g, (_, code: string) =>
        String.fromCharCode(Number.parseInt(code, 8)),
      );
  }
  return undefined;
}
