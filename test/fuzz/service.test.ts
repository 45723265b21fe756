import { ORDINARY_RUNS } from "./fuzz.js";
import { serviceTests } from "./service.js";

serviceTests(ORDINARY_RUNS).run();
