import { closeSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";

/** The thing is not there, not ours to read, or this kernel does not have it: a missing value. */
const MISSING: ReadonlySet<string | undefined> = new Set([
  "ENOENT",
  "ENOTDIR",
  "EISDIR",
  "ESRCH",
  "EACCES",
  "EPERM",
  "EINVAL",
  "ENODEV",
  "ENOTSUP",
  "EOPNOTSUPP",
]);

const FIRST_BYTES = 64 * 1024;
/** No file of the kernel that is read here comes near this. */
const BYTES_MAX = 64 * 1024 * 1024;

/**
 * Small files of the kernel, read whole into one buffer that is used again: half the time of a
 * general read, which asks for the size first although these files have none.
 */
export class KernelFiles {
  #buffer = Buffer.allocUnsafe(FIRST_BYTES);

  /** Undefined where there is nothing to read; what the machine lacks (handles, memory) is thrown. */
  text(path: string): string | undefined {
    return missingOr(() => {
      const handle = openSync(path, "r");
      try {
        return this.#whole(handle);
      } finally {
        closeSync(handle);
      }
    });
  }

  /** Names in a folder. */
  names(path: string): readonly string[] | undefined {
    return missingOr(() => readdirSync(path));
  }

  /** Names of the folders in a folder. */
  folders(path: string): readonly string[] | undefined {
    return missingOr(() =>
      readdirSync(path, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name),
    );
  }

  link(path: string): string | undefined {
    return missingOr(() => readlinkSync(path));
  }

  #whole(handle: number): string {
    let length = 0;
    for (;;) {
      const count = readSync(handle, this.#buffer, length, this.#buffer.length - length, null);
      if (count === 0) return this.#buffer.toString("utf8", 0, length);
      length += count;
      if (length < this.#buffer.length) continue;
      if (length >= BYTES_MAX) return this.#buffer.toString("utf8", 0, length);
      this.#buffer = Buffer.concat([this.#buffer], this.#buffer.length * 2);
    }
  }
}

export function missingOr<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (MISSING.has((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}
