import { describe, expect, test } from "vitest";
import type { GroupHealth } from "../../../shared/health/groups.ts";
import { healthOf, type HealthFacts } from "../../../shared/health/health.ts";
import { rowFault } from "../../../shared/reference/row-faults.ts";

const LIMITS = {
  blockMs: 2_000,
  claimIdleMs: 10_000,
  leaseMs: 5_000,
  referenceAgeMsMax: 86_400_000,
  signalAgeMsMax: 300_000,
};
const routing: GroupHealth = {
  stream: "signals_stream",
  group: "signal_processor",
  critical: true,
  exists: true,
  heartbeats: [{ agoMs: 500 }],
  waiting: { what: "decide", count: 3, isExact: true, oldestMs: 20, slow: null },
  oldestPendingIdleMs: 20,
};
const logging: GroupHealth = {
  ...routing,
  stream: "signal_results",
  group: "log_writer",
  critical: false,
  waiting: { count: 3, isExact: true, oldestMs: 20, slow: null },
};
const well: HealthFacts = {
  redis: { answers: true, refusals: [], memory: { used: 1_000_000, max: 0 } },
  postgresReachable: true,
  reference: { version: "v", confirmedAgoMs: 1_000 },
  groups: [routing, logging],
  paused: {},
  strategies: { now: 0, reports: [], consumers: 1, tasks: [] },
  deadLetters: { count: 0, oldestAgoMs: null },
  shadow: { isShadow: false, suffix: "" },
  foreignConsumers: [],
  leftGroups: [],
  webhookSources: { withoutSecret: [] },
};

const fresh = { version: "v", confirmedAgoMs: 1_000 };
const fault = rowFault({ table: "tickers", row: "BTC", column: "status", value: "NULL" });

describe("healthOf", () => {
  test("a router that reads, with a fresh snapshot and a log that keeps up, is ready without reasons", () => {
    expect(healthOf(well, LIMITS)).toEqual({ status: "ready", reasons: [] });
    expect(healthOf({ ...well, postgresReachable: null }, LIMITS).status).toBe("ready");
  });

  test.each<[string, Partial<HealthFacts>, RegExp]>([
    [
      "Redis is unavailable",
      { redis: { answers: false, refusals: [], memory: { used: null, max: null } } },
      /Redis does not answer/,
    ],
    ["there is no snapshot", { reference: { version: null, confirmedAgoMs: null } }, /no reference snapshot/],
    [
      "the snapshot was altered",
      { reference: { ...fresh, damage: "was altered" } },
      /reference version v in Redis was altered; no router decides on it/,
    ],
    [
      "there is no snapshot, and Postgres cannot be read",
      { reference: { version: null, confirmedAgoMs: null, failures: { count: 1, error: "no such table" } } },
      /nothing is decided: it could not be refreshed from Postgres \(no such table\)/,
    ],
    [
      "the signals' group is gone",
      { groups: [{ ...routing, exists: false }] },
      /group signal_processor on signals_stream does not exist/,
    ],
    [
      "no consumer reads the signals",
      { groups: [{ ...routing, heartbeats: [] }] },
      /no consumer reads signal_processor/,
    ],
    [
      "the signals' loop stands",
      { groups: [{ ...routing, heartbeats: [{ agoMs: 16_000 }] }] },
      /has read signal_processor.* for 16 s/,
    ],
  ])("not ready when %s", (_, change, reason) => {
    expect(healthOf({ ...well, ...change }, LIMITS)).toEqual({
      status: "not_ready",
      reasons: [expect.stringMatching(reason)],
    });
  });

  test.each<[string, Partial<HealthFacts>, RegExp]>([
    ["Postgres is unavailable", { postgresReachable: false }, /Postgres cannot be reached/],
    [
      "the reference is old",
      { reference: { version: "v", confirmedAgoMs: 90_000_000 } },
      /not been confirmed for 90000 s/,
    ],
    [
      "the reference was never confirmed",
      { reference: { version: "v", confirmedAgoMs: null } },
      /never been confirmed/,
    ],
    [
      "two refreshes in a row could not read Postgres",
      { reference: { ...fresh, failures: { count: 2, error: "no such table" } } },
      /could not be refreshed from Postgres 2 times in a row: no such table; decisions go on with version v, confirmed 1 s ago$/,
    ],
    [
      "a row of the reference cannot be used",
      { reference: { ...fresh, faults: { count: 1, named: [fault] } } },
      /cannot be used: table tickers, row BTC, column status: NULL instead of enabled or disabled; the ticker counts/,
    ],
    [
      "a webhook source has no secret",
      { webhookSources: { withoutSecret: ["my-bot"] } },
      /webhook source my-bot has no secret.*set WEBHOOK_SECRET_MY_BOT/,
    ],
    [
      "a newer version of the router has published the reference",
      { reference: { ...fresh, newerFormat: { format: 3, known: 2 } } },
      /format 3 of the data, this router knows 2.*upgrade this router/,
    ],
    [
      "the log's loop stands",
      { groups: [routing, { ...logging, heartbeats: [{ agoMs: 20_000 }] }] },
      /log_writer on signal_results for 20 s/,
    ],
    [
      "the log is behind",
      { groups: [routing, { ...logging, waiting: { ...logging.waiting, count: 10_001 } }] },
      /10001 entries wait for log_writer/,
    ],
    [
      "a pending entry is not worked on",
      { groups: [{ ...routing, oldestPendingIdleMs: 31_000 }] },
      /pending entry of \S+ on \S+ for 31 s/,
    ],
  ])("degraded when %s", (_, change, reason) => {
    expect(healthOf({ ...well, ...change }, LIMITS)).toEqual({
      status: "degraded",
      reasons: [expect.stringMatching(reason)],
    });
  });

  test("one failed refresh is no reason, and of many unusable rows a few are named", () => {
    const once = { ...fresh, failures: { count: 1, error: "busy" } };
    expect(healthOf({ ...well, reference: once }, LIMITS).status).toBe("ready");
    const named = Array.from({ length: 20 }, (_, n) => ({ ...fault, row: `T${n}` }));
    const many = { ...fresh, faults: { count: 3_000, named } };
    const { reasons } = healthOf({ ...well, reference: many }, LIMITS);
    expect(reasons).toHaveLength(4);
    expect(reasons[3]).toBe("2997 more values in rows of the reference cannot be used");
  });

  test("a loop whose configuration lets it wait longer has that time", () => {
    const groups = [{ ...routing, heartbeats: [{ agoMs: 25_000 }] }];
    expect(healthOf({ ...well, groups }, { ...LIMITS, blockMs: 10_000 }).status).toBe("ready");
  });

  describe("of a group that a scheduler reads", () => {
    const MINUTE = 60_000;
    const statusWith = (...heartbeats: GroupHealth["heartbeats"]) =>
      healthOf({ ...well, groups: [{ ...routing, heartbeats }] }, LIMITS).status;

    test.each<[string, GroupHealth["heartbeats"], string]>([
      ["three intervals may pass", [{ agoMs: 3 * MINUTE, everyMs: MINUTE }], "ready"],
      ["more may not", [{ agoMs: 3 * MINUTE + 1, everyMs: MINUTE }], "not_ready"],
      ["a short interval is no reason for haste", [{ agoMs: 15_000, everyMs: 10 }], "ready"],
      ["an hour is enough for any", [{ agoMs: 60 * MINUTE + 1, everyMs: 50 * MINUTE }], "not_ready"],
      [
        "a loop beside it that has died does not matter",
        [{ agoMs: 40_000 }, { agoMs: MINUTE, everyMs: MINUTE }],
        "ready",
      ],
      [
        "its patience is not the loop's",
        [{ agoMs: 40_000 }, { agoMs: 4 * MINUTE, everyMs: MINUTE }],
        "not_ready",
      ],
    ])("%s", (_, heartbeats, status) => {
      expect(statusWith(...heartbeats)).toBe(status);
    });

    test("the latest heartbeat is the one reported", () => {
      const heartbeats = [{ agoMs: 40_000 }, { agoMs: 4 * MINUTE, everyMs: MINUTE }];
      expect(healthOf({ ...well, groups: [{ ...routing, heartbeats }] }, LIMITS).reasons).toEqual([
        "no consumer has read signal_processor on signals_stream for 40 s",
      ]);
    });
  });

  test("every reason is named, the worst ones first", () => {
    const reference = { version: null, confirmedAgoMs: null };
    const { status, reasons } = healthOf({ ...well, reference, postgresReachable: false }, LIMITS);
    expect(status).toBe("not_ready");
    expect(reasons).toEqual([expect.stringContaining("snapshot"), expect.stringContaining("Postgres")]);
  });
});
