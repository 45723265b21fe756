import { envelopeRow, PHASE_COUNT, QUANTILE_COUNT, QUANTILES, TILE_LANES } from "../../core/abi.js";
import { present } from "../../lib/assert.js";
import { RepriseError } from "../../lib/errors.js";
import type { TrainingSession } from "../training/session.js";
import { AsinhSpace } from "./asinh-space.js";
import { EventQuantiles } from "./event-quantiles.js";
import type { Answers, ScoreTable } from "./score-table.js";

/**
 * What the net in the session says of every row of the table. Call it while no worker runs.
 *
 * @throws ERR_WEIGHTS_FORMAT when an answer is no amount
 */
export function networkAnswers(session: TrainingSession, table: ScoreTable, name: string): Answers {
  const quantiles = new EventQuantiles(session);
  const native = QUANTILES.map(() => new Float32Array(table.rows));
  for (let row = 0; row < table.rows; ) {
    const event = table.event[row] ?? 0;
    const amounts = quantiles.amounts(present(session.records[event], "event"));
    for (; row < table.rows && table.event[row] === event; row++) {
      const lane = (table.group[row] ?? 0) % TILE_LANES;
      const column = table.column[row] ?? 0;
      const [resource, phase] = [Math.floor(column / PHASE_COUNT), column % PHASE_COUNT];
      for (let k = 0; k < QUANTILE_COUNT; k++) {
        const amount = amounts[envelopeRow(resource, phase, k) * TILE_LANES + lane] ?? Number.NaN;
        if (!(amount >= 0)) refuse(name, amount);
        present(native[k], "level")[row] = amount;
      }
    }
  }
  const space = new AsinhSpace(session);
  return {
    name,
    levels: native.map((values) => ({ native: values, asinh: space.of(values, table.scale) })),
  };
}

function refuse(name: string, amount: number): never {
  throw new RepriseError("ERR_WEIGHTS_FORMAT", "the network's answer is no amount", {
    field: name,
    got: amount,
    expected: "a number from 0",
  });
}
