import { SLOW_RUNS } from "./fuzz.js";
import { messageTests } from "./messages.js";

messageTests(SLOW_RUNS).run();
