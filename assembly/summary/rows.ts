/** One lane's share of four neighbouring lane rows as a v128, and back. */

import { LANE_ROW_BYTES } from "../layout";

/** Writes four rows of one lane, one a resource. */
export function putRow(out: usize, v: v128): void {
  store<f32>(out, f32x4.extract_lane(v, 0));
  store<f32>(out, f32x4.extract_lane(v, 1), LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(v, 2), 2 * LANE_ROW_BYTES);
  store<f32>(out, f32x4.extract_lane(v, 3), 3 * LANE_ROW_BYTES);
}
