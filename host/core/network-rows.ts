import { RepriseError } from "../lib/errors.js";
import { INPUT_ROWS, SUMMARY_ROWS } from "./abi.js";
import type { NetworkShape } from "./network-shape.js";

/**
 * Summary rows that a net trained on traces hears. The core writes more of them: what no trace has
 * comes last, and a net hears it after a fine-tune on recordings.
 */
export const TRACE_SUMMARY_ROWS = 96;

/** @throws ERR_SHAPE when the net is for other rows than the core writes */
export function checkNetworkRows({ inputSize, summarySize }: NetworkShape): void {
  if (inputSize !== INPUT_ROWS) refuse("inputSize", inputSize, `${INPUT_ROWS}`);
  if (summarySize === TRACE_SUMMARY_ROWS || summarySize === SUMMARY_ROWS) return;
  refuse("summarySize", summarySize, `${TRACE_SUMMARY_ROWS} or ${SUMMARY_ROWS}`);
}

function refuse(field: string, got: number, expected: string): never {
  throw new RepriseError("ERR_SHAPE", "the weights are for another set of rows", {
    field,
    got,
    expected,
  });
}
