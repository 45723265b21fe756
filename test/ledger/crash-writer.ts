/** Child of the crash test: commits steps for ever and says so after each. argv: folder, seed. */
import { writeSync } from "node:fs";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import { stepChanges } from "./crash-script.js";

const [folder = "", seedText = "0"] = process.argv.slice(2);
const ledger = await openLmdbLedger({ folder, durability: "process-crash" });
let step = Number(ledger.get("meta", "step") ?? 0);
for (;;) {
  step += 1;
  ledger.commit(stepChanges(Number(seedText), step));
  writeSync(1, `${step}\n`);
}
