/** Child of the coordinator crash test: steps for ever, a line a commit. argv: folder, seed. */
import { writeSync } from "node:fs";
import { openLmdbLedger } from "../../host/ledger/lmdb.js";
import { NumberedLedger, Process } from "./coordinator-script.js";

const [folder = "", seedText = "0"] = process.argv.slice(2);
const store = await openLmdbLedger({ folder });
const ledger = new NumberedLedger(store, (number) => writeSync(1, `${number}\n`));
const child = await Process.open(ledger, Number(seedText));
for (;;) await child.step();
