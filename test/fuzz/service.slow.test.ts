import { SLOW_RUNS } from "./fuzz.js";
import { serviceTests } from "./service.js";

serviceTests(SLOW_RUNS).run();
