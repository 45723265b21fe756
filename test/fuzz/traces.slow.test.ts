import { SLOW_RUNS } from "./fuzz.js";
import { traceTests } from "./traces.js";

traceTests(SLOW_RUNS).run();
