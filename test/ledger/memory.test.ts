import { MemoryLedger } from "../../host/ledger/memory.js";
import { conformance } from "./conformance.js";

conformance("memory ledger", () => new MemoryLedger()).run();
