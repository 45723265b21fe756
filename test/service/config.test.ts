import { test } from "uvu";
import * as assert from "uvu/assert";
import { elapsedMs } from "../../host/lib/clock.js";
import { isRepriseError } from "../../host/lib/errors.js";
import { parseConfig } from "../../host/service/config/load.js";

const parse = (yaml: string, environment: Record<string, string> = {}) =>
  parseConfig(yaml, { file: "reprise.yaml", environment });

function refused(yaml: string, pattern: RegExp, environment: Record<string, string> = {}): void {
  try {
    parse(yaml, environment);
  } catch (error) {
    assert.ok(isRepriseError(error), String(error));
    assert.is(error.code, "ERR_CONFIG");
    assert.match(error.message, pattern);
    return;
  }
  assert.unreachable(`accepted: ${yaml}`);
}

test("an empty file is the defaults", () => {
  const config = parse("");
  assert.is(config.listen.host, "127.0.0.1");
  assert.is(config.modes.default, "recommend");
  assert.is(config.ledger.folder, null);
});

test("what a file says counts, and the environment above it", () => {
  const yaml = "listen: { port: 1000 }\nmodes: { groups: { web: enforce } }";
  const config = parse(yaml, {
    REPRISE_LISTEN__PORT: "2000",
    REPRISE_PROFILER__TICK_SECONDS: "0.5",
    REPRISE_UNRELATED: "1",
  });
  assert.is(config.listen.port, 2_000);
  assert.is(config.profiler.tickSeconds, 0.5);
  assert.equal(config.modes.groups, { web: "enforce" });
});

test("a wrong file is refused with file, place and key", () => {
  refused("listen: { prot: 1 }", /reprise.yaml, field listen.prot: no such key/);
  refused("listen: { port: yes }", /field listen.port/);
  refused("listen: { port: 70000 }", /field listen.port/);
  refused("listen:\n  port: 1\n  port: 2", /line 3/);
  refused("- a list", /no mapping/);
  refused("modes: { default: act }", /field modes.default/);
  refused("coordinator: { policy: { minRunMinute: 1 } }", /no such policy/);
  refused("nodes: [{ nodeId: a }]", /field nodes.0/);
  const node = "{ nodeId: a, allocatable: { cpu: 1, memory: 1, network: 1, disk: 1 } }";
  refused(`nodes: [${node}, ${node}]`, /named twice/);
  refused("", /field listen.port/, { REPRISE_LISTEN__PORT: "many" });
});

test("without a lock it opens onto this machine only", () => {
  refused("listen: { host: 0.0.0.0 }", /without a token/);
  assert.is(parse("listen: { host: 0.0.0.0 }\nauth: { tokensFile: t }").listen.host, "0.0.0.0");
  assert.is(parse('listen: { host: "::1" }').listen.host, "::1");
});

test("a file that would grow by its aliases is refused", () => {
  const rows = Array.from({ length: 12 }, (_, n) =>
    n === 0 ? "a0: &a0 [x]" : `a${n}: &a${n} [${`*a${n - 1},`.repeat(20)}]`,
  );
  refused(rows.join("\n"), /reprise.yaml: .*cannot be unfolded/);
});

test("a file full of errors is refused at the first one, at once", () => {
  const beganMs = elapsedMs();
  refused(`nodes: [${",".repeat(30_000)}`, /reprise.yaml, line 1/);
  assert.ok(elapsedMs() - beganMs < 10_000, "30,000 errors made pretty took minutes");
});

test.run();
