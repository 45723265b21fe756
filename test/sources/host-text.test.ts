import fc from "fast-check";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fillTemplate, globPattern } from "../../host/sources/host/glob.js";
import {
  keyedNumber,
  parseConnectionInodes,
  parseCpuMax,
  parseIoStat,
  parseNetworkBytes,
  parsePressureSeconds,
  parseProcessStat,
  parseResidentPages,
  singleNumber,
} from "../../host/sources/host/kernel-text.js";
import { findCgroupRoot } from "../../host/sources/host/mounts.js";
import { Names } from "../../host/sources/host/names.js";
import { checkHostRules, type HostRule } from "../../host/sources/host/rules.js";
import { thrownBy } from "../support/thrown.js";

const STAT =
  "4711 (a) (b c) S 1 4711 4711 0 -1 4194304 100 0 0 0 12 30 7 1 20 0 1 0 1811972 3133440 413 1844";

test("a process's line is read whatever its name holds", () => {
  const stat = parseProcessStat(STAT);
  assert.equal(stat, { pid: 4711, parentPid: 1, state: "S", cpuTicks: 50, startTicks: 1811972 });
  fc.assert(
    fc.property(fc.string(), (name) => {
      const read = parseProcessStat(STAT.replace("a) (b c", () => name));
      assert.equal(read, stat);
    }),
  );
  assert.is(parseProcessStat(""), undefined);
  assert.is(parseProcessStat("4711 (cut"), undefined);
  assert.is(parseProcessStat("4711 (cut) S 1"), undefined);
});

test("keyed files: the key is a whole word, and what is not there is no zero", () => {
  const text = "inactive_anon 5\nanon 7\nanon_thp 9\nfile 0\n";
  assert.is(keyedNumber(text, "anon"), 7);
  assert.is(keyedNumber(text, "inactive_anon"), 5);
  assert.is(keyedNumber(text, "file"), 0);
  assert.ok(Number.isNaN(keyedNumber(text, "shmem")));
  assert.ok(Number.isNaN(keyedNumber(text, "ano")));
  assert.ok(Number.isNaN(keyedNumber(undefined, "anon")));
  assert.is(keyedNumber("rchar: 1\nread_bytes: 4096\n", "read_bytes"), 4096);
});

test("limits, pressure, disk, network, connections, pages", () => {
  assert.is(parseCpuMax("50000 100000\n"), 0.5);
  assert.is(parseCpuMax("max 100000\n"), Number.POSITIVE_INFINITY);
  assert.ok(Number.isNaN(parseCpuMax(undefined)));
  assert.is(singleNumber("max\n"), Number.POSITIVE_INFINITY);
  assert.is(singleNumber("1073741824\n"), 2 ** 30);
  assert.ok(Number.isNaN(singleNumber(undefined)));
  const pressure = "some avg10=0.12 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0 total=9\n";
  assert.is(parsePressureSeconds(pressure), 2.5);
  assert.ok(Number.isNaN(parsePressureSeconds("")));
  const disks = "8:16 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=64 dios=8\n8:0 rbytes=10 rios=1\n";
  assert.equal(parseIoStat(disks), { bytes: 13, operations: 8 });
  assert.equal(parseIoStat(""), { bytes: 0, operations: 0 });
  const network = [
    "Inter-|   Receive  |  Transmit",
    " face |bytes packets errs drop fifo frame compressed multicast|bytes packets",
    "    lo:    6386      58    0    0    0     0          0         0     6386      58",
    "  eth0: 100 5 0 0 0 0 0 0 23 5 0 0 0 0 0 0",
  ].join("\n");
  assert.is(parseNetworkBytes(network), 123);
  const tcp = [
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 11 1",
    "   1: 0100007F:1F90 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 22 1",
  ].join("\n");
  assert.equal(parseConnectionInodes(tcp), ["22"]);
  assert.equal(parseResidentPages("900 413 100 1 0 300 0\n"), { resident: 413, shared: 100 });
});

test("paths: stars stay within a name, two stars cross them, names are made of what matched", () => {
  const service = globPattern("system.slice/*.service");
  assert.is(fillTemplate("$1", service.exec("system.slice/web.service") ?? []), "web");
  assert.not(service.test("system.slice/a/web.service"));
  assert.not(service.test("system.slice/webXservice"));
  const deep = globPattern("kubepods.slice/**/cri-*.scope");
  assert.ok(deep.test("kubepods.slice/cri-1.scope"));
  assert.ok(deep.test("kubepods.slice/burstable/pod7/cri-1.scope"));
  assert.not(deep.test("kubepods.slice/burstable/other.scope"));
  assert.ok(globPattern("**/x").test("x"));
  assert.ok(globPattern("**/x").test("a/b/x"));
});

test("cgroup v2 is found wherever it is mounted", () => {
  const hybrid =
    "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0\ncgroup2 /sys/fs/a\\040b cgroup2 rw 0 0\n";
  assert.is(findCgroupRoot(hybrid), "/sys/fs/a b");
  assert.is(findCgroupRoot("proc /proc proc rw 0 0\n"), undefined);
});

test("a name is borne by one at a time and handed on", () => {
  const names = new Names();
  assert.is(names.claim("a", "job"), "job");
  assert.is(names.claim("b", "job"), "job#2");
  assert.is(names.claim("a", "job"), "job");
  names.keep(new Set(["b"]));
  assert.is(names.claim("c", "job"), "job");
  assert.is(names.claim("b", "job"), "job#2");
});

test("a rule that cannot be used is refused by name", () => {
  const bad: readonly (readonly [unknown, RegExp])[] = [
    [[], /rules/],
    [[{ kind: "pod", name: "x" }], /rules\[0\]\.kind/],
    [[{ kind: "cgroup", name: "x", path: "../etc" }], /rules\[0\]\.path/],
    [[{ kind: "tree", name: "x" }], /neither command nor user/],
    [[{ kind: "tree", name: "x", command: "(" }], /rules\[0\]\.command/],
    [[{ kind: "tree", name: "x", user: "a", priority: Number.NaN }], /rules\[0\]\.priority/],
    [[{ kind: "managed" }], /rules\[0\]\.folder/],
  ];
  for (const [rules, message] of bad) {
    const error = thrownBy(() => checkHostRules(rules as HostRule[]));
    assert.is(error.code, "ERR_CONFIG");
    assert.match(error.message, message);
  }
});

test.run();
