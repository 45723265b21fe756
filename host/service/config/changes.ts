/** What of a configuration takes effect while the service runs. */
import { isDeepStrictEqual } from "node:util";
import type { ServiceConfig } from "./schema.js";

type Section = keyof ServiceConfig;

/** Taken up at once; of `auth` the file's content is, its name is not. */
const LIVE: ReadonlySet<Section> = new Set(["modes", "nodes", "push", "notices", "log"]);
/** Of `host`: what the ledger and the engine know it by. The rest of it is taken up at once. */
const FIXED_OF_HOST = ["nodeId", "folder", "graceSeconds"] as const;

export interface ConfigChanges {
  /** Sections that differ and are taken up now. */
  readonly live: readonly Section[];
  /** Sections that differ from what the service was started with and wait for a restart. */
  readonly needsRestart: readonly Section[];
}

/** @param started what it was opened with, @param current what was taken up last */
export function changesOf(
  started: ServiceConfig,
  current: ServiceConfig,
  next: ServiceConfig,
): ConfigChanges {
  const sections = [...new Set([...Object.keys(started), ...Object.keys(next)])] as Section[];
  const differs = (before: ServiceConfig) => (section: Section) =>
    !isDeepStrictEqual(before[section], next[section]);
  const isHostFixed = FIXED_OF_HOST.some((key) => started.host[key] !== next.host[key]);
  const isLive = (section: Section) => (section === "host" ? !isHostFixed : LIVE.has(section));
  return {
    live: sections.filter(isLive).filter(differs(current)),
    needsRestart: sections.filter((section) => !isLive(section)).filter(differs(started)),
  };
}
