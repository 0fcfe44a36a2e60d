import { expect, test } from "vitest";
import { redactUrl } from "../../../shared/config/redact-url.ts";
import { isSameRedis, parseRedisUrl, type RedisTarget } from "../../../shared/config/redis-url.ts";

const server = (host: string, port = 6379) => ({ host, port });
const plain = { tls: false, db: 0 };

test.each<[url: string, target: RedisTarget]>([
  ["redis://cache", { ...plain, seeds: [server("cache")] }],
  ["redis://cache/", { ...plain, seeds: [server("cache")] }],
  ["REDIS://cache:6380/2", { ...plain, db: 2, seeds: [server("cache", 6380)] }],
  ["redis://[::1]:7000?family=6", { ...plain, family: 6, seeds: [server("::1", 7000)] }],
  ["rediss://:p%40w@a", { ...plain, tls: true, username: "", password: "p@w", seeds: [server("a")] }],
  ["redis://u:a,b@h", { ...plain, username: "u", password: "a,b", seeds: [server("h")] }],
  ["redis://a,b:7001, c/0", { ...plain, seeds: [server("a"), server("b", 7001), server("c")] }],
  ["redis://a:1,redis://b:2", { ...plain, seeds: [server("a", 1), server("b", 2)] }],
  [
    "redis://u:p@a:1/1,redis://u:p@b:2/1",
    { ...plain, db: 1, username: "u", password: "p", seeds: [server("a", 1), server("b", 2)] },
  ],
  [
    "redis-sentinel://u:p@a,b:7/my-master/3?sentinelUsername=s&sentinelPassword=q%2F",
    {
      tls: false,
      db: 3,
      username: "u",
      password: "p",
      seeds: [server("a", 26_379), server("b", 7)],
      sentinel: { masterName: "my-master", username: "s", password: "q/" },
    },
  ],
  [
    "redis-sentinel://a/m?sentinelPassword=a+b?c%2B",
    { ...plain, seeds: [server("a", 26_379)], sentinel: { masterName: "m", password: "a+b?c+" } },
  ],
  [
    "rediss-sentinel://a/m",
    { tls: true, db: 0, seeds: [server("a", 26_379)], sentinel: { masterName: "m" } },
  ],
])("%s", (url, target) => {
  expect(parseRedisUrl(url)).toEqual({ ok: true, target });
});

test.each([
  ["cache:6379", /^redis:\/\//],
  ["redis://a,,b", /host2/],
  ["redis://a,rediss://b", /same scheme/],
  ["redis://a/1,redis://b/2", /once, behind the last/],
  ["redis://u:p@a,v:q@b", /host2/],
  ["redis://a:1,b:hunter2", /host2/],
  ["redis://a/mymaster", /with db a number/],
  ["redis://a?sentinelPassword=hunter2", /host2/],
  ["redis-sentinel://a", /<master name>/],
  ["redis-sentinel://a/m/1/2", /<master name>/],
  ["redis-sentinel://a/m?password=hunter2", /<master name>/],
  ["redis://%ff:p@a", /^redis:\/\//],
])("%s is refused, without anything of it", (url, expected) => {
  const answer = parseRedisUrl(url);
  expect(answer).toEqual({ ok: false, expected: expect.stringMatching(expected) });
  expect(JSON.stringify(answer)).not.toContain("hunter2");
});

test.each([
  ["redis://me:hunter2@a:1,b:2/3", "redis://***@a:1,b:2/3"],
  ["redis://me:hunter2@a:1,redis://me:hunter2@b:2", "redis://***@a:1,b:2"],
  [
    "redis-sentinel://me:hunter2@a,b/m?sentinelUsername=s&sentinelPassword=hunter2",
    "redis-sentinel://***@a,b/m",
  ],
  ["redis-sentinel://a/m?sentinelPassword=hunter2", "redis-sentinel://***@a/m"],
  ["redis://a:1,hunter2@b", "redis://***@b"],
])("%s is printed as %s", (url, printed) => {
  expect(redactUrl(url)).toBe(printed);
});

test.each([
  ["redis://a,b", "redis://u:p@b:6379/0", true],
  ["redis://localhost", "redis://127.0.0.1", true],
  ["redis://a,b", "redis://c", false],
  ["redis://a/1", "redis://a", false],
  ["redis-sentinel://a/m", "redis-sentinel://a/n", false],
])("%s and %s name the same data: %s", (one, other, isSame) => {
  expect(isSameRedis(one, other)).toBe(isSame);
});
