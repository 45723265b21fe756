/**
 * What a hint that a node may be lost is worth: a cloud's rebalance recommendation comes far more
 * often than a loss, so it is a probability, learnt from what followed the hints before.
 */
import { canonicalJson } from "../ledger/encoding.js";
import type { Ledger, LedgerChange } from "../ledger/ledger.js";
import { MINUTE_MS } from "./policy.js";

/** The hour after a hint, in pieces: a loss is likelier soon after it than later. */
const PIECE_ENDS_MINUTES = [2, 10, 30, 60] as const;
export const HINT_MS = PIECE_ENDS_MINUTES[3] * MINUTE_MS;
/**
 * Before any hint was judged: one in ten is followed within the hour, as sure as after ten hints. No
 * cloud publishes its share; ten of its own hints outweigh this guess.
 */
const PRIOR_CHANCE = 0.1;
const PRIOR_WEIGHT = 10;
const RECORD_KEY = "hints";
const OPEN_PREFIX = "hint/";
/** The first key behind all open hints. */
const OPEN_END = "hint0";

/** What became of all hints whose hour is over. Of each piece: hints that reached it, and losses in it. */
interface HintTrack {
  readonly reached: readonly number[];
  readonly lost: readonly number[];
  /** Hints whose end is known, and how many of them were followed by the loss. */
  readonly judged: number;
  readonly followed: number;
  /** Sums over the judged: the chance stated when it came, and its squared error (Brier). */
  readonly stated: number;
  readonly squaredError: number;
  /** Of the judged: acted on, and followed after that. */
  readonly acted: number;
  readonly actedFollowed: number;
  /** Losses since the first hint, and those of them that a hint came before. */
  readonly losses: number;
  readonly hintedLosses: number;
}

/** How far hints can be trusted, for people. */
export interface HintReport
  extends Pick<
    HintTrack,
    "judged" | "followed" | "acted" | "actedFollowed" | "losses" | "hintedLosses"
  > {
  readonly open: number;
  /** Means over the judged; null when none was: the chance stated, and its squared error (Brier). */
  readonly stated: number | null;
  readonly brier: number | null;
}

interface OpenHint {
  readonly timeMs: number;
  /** When it came. */
  readonly chance: number;
  readonly isActed: boolean;
}

const NO_TRACK: HintTrack = {
  reached: [0, 0, 0, 0],
  lost: [0, 0, 0, 0],
  judged: 0,
  followed: 0,
  stated: 0,
  squaredError: 0,
  acted: 0,
  actedFollowed: 0,
  losses: 0,
  hintedLosses: 0,
};

/**
 * Chance that the node is lost within what is left of the hour, `ageMs` after the hint, if it has
 * not been lost until then. Within a piece losses are taken to be spread evenly.
 */
export function hintChance({ reached, lost }: Pick<HintTrack, "reached" | "lost">, ageMs: number) {
  let stays = 1;
  let begin = 0;
  PIECE_ENDS_MINUTES.forEach((end, piece) => {
    const left = Math.min(
      1,
      Math.max(0, (end - Math.max(begin, ageMs / MINUTE_MS)) / (end - begin)),
    );
    const prior = (PRIOR_CHANCE * (end - begin)) / PIECE_ENDS_MINUTES[3];
    const hazard =
      ((lost[piece] ?? 0) + prior * PRIOR_WEIGHT) / ((reached[piece] ?? 0) + PRIOR_WEIGHT);
    stays *= 1 - hazard * left;
    begin = end;
  });
  return 1 - stays;
}

export class HintBook {
  readonly #open = new Map<string, OpenHint>();
  readonly #unwritten = new Set<string>();
  #writing: readonly string[] = [];
  #track: HintTrack = NO_TRACK;
  #isTrackWritten = true;

  /** Takes up what the ledger has. */
  constructor(ledger: Ledger) {
    const text = ledger.get("meta", RECORD_KEY);
    if (typeof text === "string") this.#track = JSON.parse(text) as HintTrack;
    for (const [key, value] of ledger.entries("meta", { from: OPEN_PREFIX })) {
      if (key >= OPEN_END) break;
      if (typeof value !== "string") continue;
      this.#open.set(key.slice(OPEN_PREFIX.length), JSON.parse(value) as OpenHint);
    }
  }

  report(): HintReport {
    const { reached: _reached, lost: _lost, stated, squaredError, ...counts } = this.#track;
    const mean = (sum: number) => (counts.judged === 0 ? null : sum / counts.judged);
    return { ...counts, open: this.#open.size, stated: mean(stated), brier: mean(squaredError) };
  }

  /**
   * A hint for this node came. One that is told again within its hour stays the one it was.
   *
   * @returns the chance of its loss within the hour
   */
  tell(nodeId: string, timeMs: number): number {
    const known = this.#open.get(nodeId);
    if (known !== undefined && timeMs < known.timeMs + HINT_MS)
      return this.chanceOf(nodeId, timeMs);
    if (known !== undefined) this.#close(nodeId, known);
    const chance = hintChance(this.#track, 0);
    this.#put(nodeId, { timeMs, chance, isActed: false });
    // Losses are counted from the first hint on.
    this.#isTrackWritten = false;
    return chance;
  }

  /** Somebody makes ready for the loss because of the hint. */
  act(nodeId: string): void {
    const hint = this.#open.get(nodeId);
    if (hint !== undefined) this.#put(nodeId, { ...hint, isActed: true });
  }

  /** 0 for a node without a hint, or whose hint is over. */
  chanceOf(nodeId: string, nowMs: number): number {
    const hint = this.#open.get(nodeId);
    if (hint === undefined) return 0;
    return hintChance(this.#track, Math.max(0, nowMs - hint.timeMs));
  }

  /** A node is lost: hint or none. */
  lose(nodeId: string, nowMs: number): void {
    const hint = this.#open.get(nodeId);
    if (hint === undefined && this.#track === NO_TRACK && this.#open.size === 0) return;
    const isHinted = hint !== undefined && nowMs < hint.timeMs + HINT_MS;
    if (hint !== undefined) this.#close(nodeId, hint, isHinted ? nowMs : undefined);
    this.#change({
      losses: this.#track.losses + 1,
      hintedLosses: this.#track.hintedLosses + (isHinted ? 1 : 0),
    });
  }

  /** Judges hints whose hour is over. One for a node that is there no more, unannounced, says nothing. */
  settle(nowMs: number, hasNode: (nodeId: string) => boolean): void {
    for (const [nodeId, hint] of this.#open) {
      if (nowMs >= hint.timeMs + HINT_MS) this.#close(nodeId, hint);
      else if (!hasNode(nodeId)) this.#drop(nodeId);
    }
  }

  changes(): LedgerChange[] {
    this.#writing = [...this.#unwritten];
    const changes = this.#writing.map((nodeId): LedgerChange => {
      const hint = this.#open.get(nodeId);
      const key = `${OPEN_PREFIX}${nodeId}`;
      return hint === undefined
        ? { table: "meta", key, remove: true }
        : { table: "meta", key, put: canonicalJson(hint) };
    });
    if (!this.#isTrackWritten) {
      changes.push({ table: "meta", key: RECORD_KEY, put: canonicalJson(this.#track) });
    }
    return changes;
  }

  /** All that `changes` said last is in the ledger. */
  written(): void {
    for (const nodeId of this.#writing) this.#unwritten.delete(nodeId);
    this.#isTrackWritten = true;
  }

  /** @param lostMs absent when it was not lost */
  #close(nodeId: string, hint: OpenHint, lostMs?: number): void {
    const track = this.#track;
    const isLost = lostMs !== undefined;
    const ageMinutes = isLost ? (lostMs - hint.timeMs) / MINUTE_MS : Number.POSITIVE_INFINITY;
    const at = PIECE_ENDS_MINUTES.findIndex((end) => ageMinutes < end);
    const last = at < 0 ? PIECE_ENDS_MINUTES.length - 1 : at;
    this.#change({
      reached: track.reached.map((count, piece) => count + (piece <= last ? 1 : 0)),
      lost: track.lost.map((count, piece) => count + (piece === at ? 1 : 0)),
      judged: track.judged + 1,
      followed: track.followed + (isLost ? 1 : 0),
      stated: track.stated + hint.chance,
      squaredError: track.squaredError + (hint.chance - (isLost ? 1 : 0)) ** 2,
      acted: track.acted + (hint.isActed ? 1 : 0),
      actedFollowed: track.actedFollowed + (hint.isActed && isLost ? 1 : 0),
    });
    this.#drop(nodeId);
  }

  #change(change: Partial<HintTrack>): void {
    this.#track = { ...this.#track, ...change };
    this.#isTrackWritten = false;
  }

  #put(nodeId: string, hint: OpenHint): void {
    this.#open.set(nodeId, hint);
    this.#unwritten.add(nodeId);
  }

  #drop(nodeId: string): void {
    this.#open.delete(nodeId);
    this.#unwritten.add(nodeId);
  }
}
