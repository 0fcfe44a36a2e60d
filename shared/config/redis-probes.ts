import { fault, ok, type Remark } from "./remark.ts";

/** What servers that speak Redis' protocol differ in, and the router needs. */
export type ProbeName = keyof typeof NEEDS;

/** What a probe has found instead of what the router needs; undefined: it works. */
export interface ProbeResult {
  readonly name: ProbeName;
  readonly found: string | undefined;
}

const OTHER_SERVER = "use Redis 7.0 or later, or Valkey";

const NEEDS = {
  hello: ["HELLO, which tells a primary, a replica, a Cluster and a Sentinel apart", OTHER_SERVER],
  scripts: [
    "scripts with flags and the library cmsgpack that write after they have asked the time",
    OTHER_SERVER,
  ],
  read_in_script: ["XREADGROUP inside a script", OTHER_SERVER],
  read_in_transaction: [
    "XREADGROUP in a transaction that is refused when a watched key has changed",
    OTHER_SERVER,
  ],
  counts: [
    "XCLAIM and XAUTOCLAIM with JUSTID, which keep the count of deliveries, and RETRYCOUNT, which sets it",
    OTHER_SERVER,
  ],
  acknowledged_once: ["XACK, which says once that it has acknowledged an entry", OTHER_SERVER],
  replicas: [
    "WAIT for REDIS_REPLICAS_MIN replicas",
    "start its replicas, or set a lower REDIS_REPLICAS_MIN; a server without WAIT needs REDIS_REPLICAS_MIN=0",
  ],
} as const satisfies Record<string, readonly [what: string, advice: string]>;

/** A fault for each need that is not met; one line when all are. */
export function probeRemarks(results: readonly ProbeResult[]): readonly Remark[] {
  const faults = results.flatMap(({ name, found }) => {
    if (found === undefined) return [];
    const [what, advice] = NEEDS[name];
    const needed = `the router needs ${what}, and here that does not work (${found})`;
    // What ends that is said already.
    return [fault(found.includes("NOPERM") ? needed : `${needed}: ${advice}`)];
  });
  if (faults.length > 0) return faults;
  return [
    ok(
      "it qualifies: HELLO, scripts, reads in scripts and transactions, claims and acknowledgements work as needed",
    ),
  ];
}
