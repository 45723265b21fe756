/** Child of the lease crash test: runs steps for ever and says so after each. argv: folder, seed. */
import { writeSync } from "node:fs";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import { openBooks, runStep, stepOf } from "./lease-script.js";

const [folder = "", seedText = "0"] = process.argv.slice(2);
const ledger = await openLmdbLedger({ folder, durability: "process-crash" });
const books = openBooks(ledger);
for (let step = stepOf(ledger) + 1; ; step++) {
  runStep(books, Number(seedText), step);
  writeSync(1, `${step}\n`);
}
