import { describe, expect, test } from "vitest";
import { remarksOn, type RedisFacts } from "../../../shared/config/redis-requirements.ts";

const well: RedisFacts = {
  version: "7.0.15",
  valkey: false,
  role: "master",
  aofEnabled: true,
  maxMemoryPolicy: "noeviction",
};

describe("remarksOn", () => {
  test.each<[string, Partial<RedisFacts>]>([
    ["a durable Redis 7", {}],
    ["a later Redis", { version: "8.2.1" }],
    ["Valkey", { version: "8.0.0", valkey: true }],
    [
      "a managed server that says nothing of itself",
      { version: undefined, role: undefined, aofEnabled: undefined, maxMemoryPolicy: undefined },
    ],
  ])("nothing is wrong with %s", (_, change) => {
    expect(remarksOn({ ...well, ...change })).toEqual([]);
  });

  test.each<[string, Partial<RedisFacts>, "fault" | "warning", RegExp]>([
    ["an old server", { version: "6.2.14" }, "fault", /version 6\.2\.14: expected 7\.0/],
    ["a replica", { role: "slave" }, "fault", /is a replica.*REDIS_URL/],
    ["a sentinel", { role: "sentinel" }, "fault", /is a sentinel/],
    ["a server without AOF", { aofEnabled: false }, "warning", /appendonly yes/],
    ["a server that evicts", { maxMemoryPolicy: "allkeys-lru" }, "warning", /allkeys-lru.*noeviction/],
  ])("for %s the message says what is wrong and what to do", (_, change, kind, message) => {
    expect(remarksOn({ ...well, ...change })).toEqual([{ kind, message: expect.stringMatching(message) }]);
  });
});
