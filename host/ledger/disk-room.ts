import { accessSync, constants, statfsSync } from "node:fs";
import { RepriseError } from "../lib/errors.js";

/**
 * Kept free beside what is written. The store writes whole pages of each tree that a record is in,
 * and some of the library's versions do not outlive a page that the disk refuses, so a full disk is
 * found before they meet it.
 */
export const DISK_ROOM_BYTES_MIN = 4 * 1024 * 1024;
const PAGES_FACTOR = 2;

/**
 * @throws ERR_LEDGER when so many bytes may not find room on the folder's disk, or it takes none:
 *   a file system that met an error is often read-only from then on
 */
export function requireDiskRoom(folder: string, bytes: number): void {
  requireWritable(folder);
  const { bavail, bsize } = statfsSync(folder);
  const needed = DISK_ROOM_BYTES_MIN + bytes * PAGES_FACTOR;
  if (bavail * bsize >= needed) return;
  throw new RepriseError("ERR_LEDGER", "the disk is full", {
    file: folder,
    got: `${bavail * bsize} bytes free`,
    expected: `at least ${needed}`,
  });
}

function requireWritable(folder: string): void {
  try {
    accessSync(folder, constants.W_OK);
  } catch (cause) {
    throw new RepriseError("ERR_LEDGER", "the folder takes no changes", { file: folder }, cause);
  }
}
