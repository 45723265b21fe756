import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { RepriseError } from "../../lib/errors.js";
import type { ResourceAmounts } from "../sample.js";
import type { KernelFiles } from "./files.js";

/** One instance that was started as a managed one; survives its process. */
export interface ManagedRecord {
  readonly instanceId: string;
  readonly groupId: string;
  readonly jobType?: string;
  readonly priority: number;
  readonly interruptible: boolean;
  readonly limits?: ResourceAmounts;
  readonly typicalOutageMinutes?: number;
  /** What it was given for its next start, one value a resource. */
  readonly granted?: readonly number[];
  /** Path of its cgroup below the root; absent where it runs as a plain process tree. */
  readonly cgroup?: string;
  /** Root of its tree, and when that started, clock ticks since the machine did. */
  readonly pid?: number;
  readonly startTicks?: number;
}

const SUFFIX = ".json";

/** The folder of records: one file an instance, replaced whole. */
export class ManagedRecords {
  readonly folder: string;
  readonly #files: KernelFiles;

  constructor(folder: string, files: KernelFiles) {
    this.folder = folder;
    this.#files = files;
  }

  /** Records that cannot be read are being written or foreign: they are left out. */
  all(): ManagedRecord[] {
    const names = this.#files.names(this.folder) ?? [];
    return names
      .filter((name) => name.endsWith(SUFFIX))
      .sort()
      .flatMap((name) => parseRecord(this.#files.text(join(this.folder, name))) ?? []);
  }

  get(instanceId: string): ManagedRecord | undefined {
    return parseRecord(this.#files.text(this.#path(instanceId)));
  }

  put(record: ManagedRecord): void {
    const path = this.#path(record.instanceId);
    try {
      mkdirSync(this.folder, { recursive: true });
      writeFileSync(`${path}.new`, `${JSON.stringify(record)}\n`);
      renameSync(`${path}.new`, path);
    } catch (cause) {
      const what = "the record of a managed instance cannot be written";
      throw new RepriseError("ERR_CONFIG", what, { file: path }, cause);
    }
  }

  remove(instanceId: string): void {
    rmSync(this.#path(instanceId), { force: true });
  }

  #path(instanceId: string): string {
    return join(this.folder, encodeURIComponent(instanceId) + SUFFIX);
  }
}

function parseRecord(text: string | undefined): ManagedRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const value = JSON.parse(text) as Partial<ManagedRecord> | null;
    const isRecord =
      typeof value?.instanceId === "string" &&
      typeof value.groupId === "string" &&
      Number.isFinite(value.priority) &&
      typeof value.interruptible === "boolean";
    return isRecord ? (value as ManagedRecord) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
