import { describe, expect, test } from "vitest";
import {
  redisRemarks,
  scriptRemark,
  streamRemarks,
  type RedisFacts,
} from "../../../shared/config/redis-requirements.ts";

const well: RedisFacts = {
  version: "7.0.15",
  valkey: false,
  role: "master",
  aofEnabled: true,
  maxMemoryPolicy: "noeviction",
  memory: { used: 100, max: 0 },
};
const wrongWith = (facts: RedisFacts) => redisRemarks(facts).filter(({ kind }) => kind !== "ok");

describe("redisRemarks", () => {
  test.each<[string, Partial<RedisFacts>]>([
    ["a durable Redis 7", {}],
    ["a later Redis", { version: "8.2.1" }],
    ["Valkey", { version: "8.0.0", valkey: true }],
    [
      "a managed server that says nothing of itself",
      {
        version: undefined,
        role: undefined,
        aofEnabled: undefined,
        maxMemoryPolicy: undefined,
        memory: { used: null, max: null },
      },
    ],
  ])("nothing is wrong with %s", (_, change) => {
    const facts = { ...well, ...change };
    expect(wrongWith(facts)).toEqual([]);
    expect(redisRemarks(facts).every(({ message }) => message !== "")).toBe(true);
  });

  test.each<[string, Partial<RedisFacts>, "fault" | "warning", RegExp]>([
    ["an old server", { version: "6.2.14" }, "fault", /version 6\.2\.14: expected 7\.0/],
    ["a replica", { role: "slave" }, "fault", /is a replica.*REDIS_URL/],
    ["a sentinel", { role: "sentinel" }, "fault", /is a sentinel/],
    ["a server without AOF", { aofEnabled: false }, "warning", /appendonly yes/],
    [
      "a server that is nearly full",
      { memory: { used: 80, max: 100 } },
      "warning",
      /80 % of maxmemory.*STREAM_RETENTION_MS/,
    ],
    ["a server that evicts", { maxMemoryPolicy: "allkeys-lru" }, "warning", /allkeys-lru.*noeviction/],
  ])("for %s the message says what is wrong and what to do", (_, change, kind, message) => {
    expect(wrongWith({ ...well, ...change })).toEqual([{ kind, message: expect.stringMatching(message) }]);
  });
});

describe("scriptRemark", () => {
  const works = { hasCmsgpack: true, denied: [], deniedChannels: [] };

  test.each([
    [works, "ok", /scripts work/],
    [{ ...works, refused: "NOPERM … 'eval'" }, "fault", /refuses scripts \(NOPERM.*\+@scripting/],
    [
      { ...works, refused: "NOPERM this user has no permissions to access one of the keys" },
      "fault",
      /may not use the keys of KEY_PREFIX.*~<KEY_PREFIX>\*/,
    ],
    [{ ...works, hasCmsgpack: false }, "fault", /cmsgpack/],
    [{ ...works, denied: ["XADD", "HSET"] }, "fault", /may not run XADD, HSET.*ACL SETUSER/],
  ])("%s", (facts, kind, message) => {
    expect(scriptRemark(facts)).toEqual({ kind, message: expect.stringMatching(message) });
  });
});

test("a stream of REFERENCE_STREAMS that cannot be read is a warning that says how its changes are seen, and what to do", () => {
  expect(streamRemarks(new Map(), 30_000)).toEqual([]);
  expect(streamRemarks(new Map([["changes", "NOPERM no permissions"]]), 30_000)).toEqual([
    {
      kind: "warning",
      message: expect.stringMatching(/^changes of REFERENCE_STREAMS .*NOPERM.* only every 30 s; .*~changes$/),
    },
  ]);
});

test("a user that may not run INFO is a warning that names what was not checked", () => {
  const remarks = redisRemarks({ ...well, version: undefined, infoDenied: true });
  expect(remarks).toEqual([
    {
      kind: "warning",
      message: expect.stringMatching(
        /^INFO is not permitted: version, role, persistence and eviction were not checked.*\+info/,
      ),
    },
  ]);
});
