import { ORDINARY_RUNS } from "./fuzz.js";
import { messageTests } from "./messages.js";

messageTests(ORDINARY_RUNS).run();
