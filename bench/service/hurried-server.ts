/**
 * The service by a clock that runs faster: `node hurried-server.js CONFIG START_MS SPEED`, else as
 * `reprise serve --config CONFIG --json`. How often it ticks is in the machine's time.
 */
import { loadConfig } from "../../host/service/config/load.js";
import { Service } from "../../host/service/serve.js";
import { HurriedClock } from "./hurried-clock.js";

const [file = "", startMs = "", speed = ""] = process.argv.slice(2);
const clock = new HurriedClock(Number(startMs), Number(speed));
const service = await Service.open({ config: loadConfig(file, {}), version: "bench", clock });
process.stdout.write(`${JSON.stringify({ address: service.address })}\n`);
process.once("SIGTERM", () => void service.close());
