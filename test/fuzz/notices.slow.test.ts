import { SLOW_RUNS } from "./fuzz.js";
import { noticeTests } from "./notices.js";

noticeTests(SLOW_RUNS).run();
