/**
 * What readers know of each slot beside its envelope, as of the last published tick: columns, one
 * entry a slot. Written only when a tick is published or a slot changes hands, so a reader between
 * the two sees one tick.
 */
export class PublishedFacts {
  readonly #lastSeconds: Float64Array;
  readonly #samples: Uint32Array;
  readonly #totals: Uint32Array;
  readonly #incarnations: Uint32Array;
  readonly #outages: Float64Array;

  constructor(slotCount: number) {
    this.#lastSeconds = new Float64Array(slotCount);
    this.#samples = new Uint32Array(slotCount);
    this.#totals = new Uint32Array(slotCount);
    this.#incarnations = new Uint32Array(slotCount);
    this.#outages = new Float64Array(slotCount);
  }

  /** Time of the last sample behind the answers, null when there is none. */
  lastMs(slot: number): number | null {
    const seconds = this.#lastSeconds[slot] ?? 0;
    return seconds === 0 ? null : seconds * 1_000;
  }

  samplesInIncarnation(slot: number): number {
    return this.#samples[slot] ?? 0;
  }

  /** Over all incarnations. */
  samplesInTotal(slot: number): number {
    return this.#totals[slot] ?? 0;
  }

  incarnation(slot: number): number {
    return this.#incarnations[slot] ?? 0;
  }

  /** Outage that the published envelope assumes, minutes. */
  outageMinutes(slot: number): number {
    return this.#outages[slot] ?? 0;
  }

  /** `incarnations`: those that ended before the first sample to come. */
  reset(slot: number, incarnations = 0): void {
    this.#lastSeconds[slot] = 0;
    this.#samples[slot] = 0;
    this.#totals[slot] = 0;
    this.#incarnations[slot] = incarnations;
    this.#outages[slot] = Number.NaN;
  }

  /** One sample became visible. */
  add(slot: number, timeSeconds: number, first: boolean): void {
    this.#lastSeconds[slot] = timeSeconds;
    this.#samples[slot] = first ? 1 : this.samplesInIncarnation(slot) + 1;
    this.#totals[slot] = this.samplesInTotal(slot) + 1;
    if (first) this.#incarnations[slot] = this.incarnation(slot) + 1;
  }

  setOutage(slot: number, minutes: number): void {
    this.#outages[slot] = minutes;
  }
}
