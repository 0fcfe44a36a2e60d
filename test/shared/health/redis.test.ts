import { describe, expect, test } from "vitest";
import { healthOf, redisHealthOf, WITHOUT_REDIS } from "../../../shared/health/health.ts";
import { redisFaults, type RedisHealth } from "../../../shared/health/redis.ts";
import { redisRefusalOf, type RedisRefusal } from "../../../shared/redis-refusal.ts";

const well: RedisHealth = { answers: true, refusals: [], memory: { used: 10e6, max: 0 } };

function refusal(reply: string): RedisRefusal {
  const found = redisRefusalOf(reply);
  if (found === undefined) throw new Error(`${reply} is no refusal`);
  return found;
}
const OOM = refusal("OOM command not allowed when used memory > 'maxmemory'.");
const MISCONF = refusal("MISCONF Errors writing to the AOF file: No space left on device");

describe("Redis", () => {
  test.each<[string, Partial<RedisHealth>, string[]]>([
    ["that takes writes has no fault", {}, []],
    ["whose memory is not known has none", { memory: { used: null, max: null } }, []],
    ["with memory below 80 % of maxmemory has none", { memory: { used: 79e6, max: 100e6 } }, []],
    [
      "with 80 % of maxmemory is degraded, with figures",
      { memory: { used: 812e6, max: 1e9 } },
      ["degraded: Redis uses 812 MB of its maxmemory of 1000 MB (81 %); when it is full"],
    ],
    ["that does not answer is not ready", { answers: false }, ["not_ready: Redis does not answer"]],
    [
      "without a primary is not ready, which is another thing than silence",
      { answers: false, isWithoutPrimary: true },
      ["not_ready: no signal is accepted or decided, everything waits: none of the servers of REDIS_URL"],
    ],
    [
      "that is full is not ready, with what ends it",
      { refusals: [OOM] },
      ["not_ready: no signal is accepted or decided, what has begun is finished. Redis is full"],
    ],
    [
      "that is full and cannot save names both",
      { refusals: [OOM, MISCONF] },
      [
        "not_ready: no signal is accepted or decided, what has begun is finished. Redis is full",
        "not_ready: no signal is accepted or decided, everything waits. Redis cannot save its data",
      ],
    ],
    [
      "that answers only why it does not is named with that",
      { answers: false, refusals: [refusal("NOAUTH Authentication required.")] },
      ["not_ready: no signal is accepted or decided, everything waits. Redis expects a password"],
    ],
  ])("%s", (_, change, beginnings) => {
    const faults = redisFaults({ ...well, ...change }).map(
      ({ severity, reason }) => `${severity}: ${reason}`,
    );
    expect(faults).toEqual(beginnings.map((beginning) => expect.stringContaining(beginning)));
  });

  test("that refuses every write is the reason, not the heartbeats that cannot be written", () => {
    const group = {
      stream: "signals_stream",
      group: "signal_processor",
      critical: true,
      exists: true,
      heartbeats: [{ agoMs: 60_000 }],
      waiting: { count: 0, isExact: true, oldestMs: null, slow: null },
      oldestPendingIdleMs: null,
    };
    const facts = {
      ...WITHOUT_REDIS,
      postgresReachable: true,
      reference: { version: "v", confirmedAgoMs: 1 },
      groups: [group],
    };
    const limits = {
      blockMs: 2_000,
      claimIdleMs: 10_000,
      leaseMs: 5_000,
      referenceAgeMsMax: 86_400_000,
      signalAgeMsMax: 300_000,
    };
    const reasons = (redis: RedisHealth) => healthOf({ ...facts, redis }, limits).reasons;
    expect(reasons({ ...well, refusals: [MISCONF] })).toEqual([expect.stringContaining("MISCONF")]);
    expect(reasons({ ...well, refusals: [OOM] })).toEqual([
      expect.stringContaining("OOM"),
      expect.stringContaining("no consumer has read"),
    ]);
  });

  test("accepts signals as long as it confirms writes", () => {
    expect(redisHealthOf(well)).toEqual({ status: "ready", reasons: [] });
    expect(redisHealthOf({ ...well, refusals: [OOM] }).status).toBe("not_ready");
  });
});
