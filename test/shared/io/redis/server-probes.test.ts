import { afterAll, expect, test } from "vitest";
import { probeRemarks } from "../../../../shared/config/redis-probes.ts";
import { probeServer } from "../../../../shared/io/redis/server-probes.ts";
import { keysOf } from "../../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";

const admin = connectRedis();
const keys = keysOf(freshPrefix());
const user = `u${keys.prefix.replace(":", "")}`;
afterAll(async () => {
  await admin.acl("DELUSER", user);
  admin.disconnect();
});

const NONE = { replicasMin: 0, msMax: 1 };

test("a Redis qualifies, and nothing of the probes stays in it", async () => {
  const results = await probeServer(admin, keys, NONE);
  expect(results.filter(({ found }) => found !== undefined)).toEqual([]);
  expect(probeRemarks(results)).toEqual([{ kind: "ok", message: expect.stringMatching(/^it qualifies/) }]);
  expect(await admin.keys(`${keys.prefix}*`)).toEqual([]);
});

test("what a server does not do is a fault with what was found and what to do, and keeps nothing else from being tried", async () => {
  await admin.acl("SETUSER", user, "reset", "on", ">pw", "~*", "+@all", "-xautoclaim");
  const url = new URL(redisUrl());
  Object.assign(url, { username: user, password: "pw" });
  const denied = connectRedis(url.href);
  try {
    const results = await probeServer(denied, keys, { replicasMin: 1, msMax: 1 });
    expect(probeRemarks(results).map(({ kind, message }) => `${kind}: ${message}`)).toEqual([
      expect.stringMatching(
        /^fault: the router needs XCLAIM and XAUTOCLAIM with JUSTID.*ACL SETUSER \(Redis said: NOPERM[^:]*$/,
      ),
      expect.stringMatching(
        /^fault: the router needs WAIT for REDIS_REPLICAS_MIN replicas.*0 replicas had confirmed it.*lower REDIS_REPLICAS_MIN/,
      ),
    ]);
    expect(await admin.keys(`${keys.prefix}*`)).toEqual([]);
  } finally {
    denied.disconnect();
  }
});
