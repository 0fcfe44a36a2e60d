import { Redis } from "ioredis";
import { pino } from "pino";
import { expect, onTestFinished, test } from "vitest";
import { MisconfigurationError } from "../../../runner/environment.ts";
import { refuseUnusableRedis } from "../../../runner/setup/check-redis.ts";
import { openRedis } from "../../../shared/io/redis/connection.ts";
import { keysOf } from "../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../servers/fixtures.ts";

test.each([
  ["-@scripting", /refuses scripts/],
  ["-xadd", /may not run XADD/],
])("a start is refused for a user of Redis with %s", async (rule, message) => {
  const admin = new Redis(redisUrl());
  const keys = keysOf(freshPrefix());
  const name = `u${keys.prefix.replace(":", "")}`;
  await admin.acl("SETUSER", name, "reset", "on", ">pw", "~*", "&*", "+@all", rule);
  const url = new URL(redisUrl());
  Object.assign(url, { username: name, password: "pw" });
  const redis = openRedis({
    key: "test",
    url: url.href,
    role: "commands",
    name: "test",
    onError: () => undefined,
  });
  onTestFinished(async () => {
    redis.disconnect();
    await admin.acl("DELUSER", name);
    admin.disconnect();
  });
  const refusal = refuseUnusableRedis(redis, keys, pino({ level: "silent" }));
  await expect(refusal).rejects.toThrow(MisconfigurationError);
  await expect(refusal).rejects.toThrow(message);
  expect(await admin.keys(`${keys.prefix}*`)).toEqual([]);
});
