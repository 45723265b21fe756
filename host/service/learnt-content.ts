/** What the profiler learnt, in a file beside the ledger: a restarted service is as calibrated. */
import { isRepriseError } from "../lib/errors.js";
import type { Profiler } from "../profiler/profiler.js";
import type { KeptContent } from "./kept-file.js";

export function learntContent(profiler: Profiler): KeptContent {
  return {
    take(bytes) {
      try {
        profiler.restoreLearnt(bytes);
        return undefined;
      } catch (error) {
        if (!isRepriseError(error)) throw error;
        return error.message;
      }
    },
    save: () => profiler.snapshotLearnt(),
  };
}
