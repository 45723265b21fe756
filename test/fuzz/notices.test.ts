import { ORDINARY_RUNS } from "./fuzz.js";
import { noticeTests } from "./notices.js";

noticeTests(ORDINARY_RUNS).run();
