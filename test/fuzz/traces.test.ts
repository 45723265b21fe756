import { ORDINARY_RUNS } from "./fuzz.js";
import { traceTests } from "./traces.js";

traceTests(ORDINARY_RUNS).run();
