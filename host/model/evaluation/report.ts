import { RESOURCE_COUNT } from "../../core/abi.js";
import { SET_DAYS, TRACE_START_SECONDS } from "../training/cuts.js";
import type { Series } from "../training/series.js";
import type { TrainingSession } from "../training/session.js";
import { type SetFigures, setFigures } from "./figures.js";
import { scoreEvents } from "./scored-terms.js";

/** An instance is busy when it uses more than this on average before the validation days. */
const BUSY_CORES = 0.01;
const BUSY_GIB = 20 / 1024;

/**
 * Held-out figures: test days of instances that were trained on before, and of instances that were
 * never seen, all of them and the busy ones alone.
 */
export function heldOutFigures(session: TrainingSession): SetFigures[] {
  const validation = scoreEvents(session, "validate");
  const test = scoreEvents(session, "test");
  const names = (from: number, to: number) =>
    new Set(session.tiles.slice(from, to).flatMap(({ series }) => series.map(({ name }) => name)));
  const seen = names(0, session.groups.trained);
  const unseen = names(session.groups.known, session.tiles.length);
  const busy = new Set(
    session.tiles.flatMap(({ series }) => series.filter(isBusy).map(({ name }) => name)),
  );
  const pick = (title: string, of: ReadonlySet<string>, only?: ReadonlySet<string>) =>
    setFigures(
      title,
      test.filter(({ instance }) => of.has(instance) && (only?.has(instance) ?? true)),
      validation.filter(({ instance }) => only?.has(instance) ?? true),
    );
  return [
    pick("unseen instances", unseen),
    pick("unseen instances, busy ones", unseen, busy),
    pick("seen instances", seen),
    pick("seen instances, busy ones", seen, busy),
  ].filter(({ resources }) => resources.length > 0);
}

export function isBusy(series: Series): boolean {
  const until = TRACE_START_SECONDS + SET_DAYS.validate[0] * 86_400;
  let cores = 0;
  let memory = 0;
  let count = 0;
  for (let index = 0; (series.times[index] ?? Infinity) < until; index++) {
    cores += series.values[index * RESOURCE_COUNT] || 0;
    memory += series.values[index * RESOURCE_COUNT + 1] || 0;
    count += 1;
  }
  return cores > BUSY_CORES * count && memory > BUSY_GIB * count;
}
