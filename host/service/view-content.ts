/**
 * What the dashboard shows of the past, in a file beside the ledger: the pool's last day, how
 * predictions did, the last restarts. Nothing is decided by it, so it is saved now and then.
 */
import { createHash } from "node:crypto";
import type { KeptContent } from "./kept-file.js";
import type { KeptOutcome } from "./outcomes.js";
import type { PoolPoint } from "./pool-history.js";
import type { SavedQuality } from "./quality.js";
import type { ServiceRuntime } from "./runtime.js";

const FORMAT = "reprise views 1";
/** About 3 MB. */
const OUTCOMES_MAX = 2_000;

interface SavedViews {
  readonly format: string;
  readonly history: readonly PoolPoint[];
  readonly quality: SavedQuality;
  readonly outcomes: readonly (Omit<KeptOutcome, "peaks"> & {
    /** What was not measured is null. */
    readonly peaks: readonly (number | null)[];
  })[];
}

/** Nothing is decided by it: what is damaged or of another format is not missed. */
export function viewContent({ history, outcomes }: ServiceRuntime): KeptContent {
  return {
    take(bytes) {
      const saved = parse(bytes);
      if (typeof saved === "string") return saved;
      const measured = (peak: number | null) => peak ?? Number.NaN;
      history.restore(saved.history);
      outcomes.quality.restore(saved.quality);
      outcomes.restore(
        saved.outcomes.map((each) => ({ ...each, peaks: each.peaks.map(measured) })),
      );
      return undefined;
    },
    save() {
      const saved = {
        format: FORMAT,
        history: history.save(),
        quality: outcomes.quality.save(),
        outcomes: outcomes.save(OUTCOMES_MAX),
      };
      // JSON has no NaN and writes null.
      const body = JSON.stringify(saved);
      return Buffer.from(`${hashOf(body)}\n${body}\n`);
    },
  };
}

function parse(bytes: Uint8Array): SavedViews | string {
  const [hash, body = ""] = Buffer.from(bytes).toString("utf8").split("\n", 2);
  if (hash !== hashOf(body)) return "the checksum is wrong";
  const saved = JSON.parse(body) as SavedViews;
  return saved.format === FORMAT ? saved : "it has another format";
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
