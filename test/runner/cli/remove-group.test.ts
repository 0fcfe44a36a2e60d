import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import type { Connection } from "../../../runner/cli/connection.ts";
import { removeUnreadGroup } from "../../../runner/cli/remove-group.ts";
import { readConfig } from "../../../shared/config/config.ts";
import { CONFIRMED } from "../../../shared/io/redis/confirm.ts";
import { createGroup } from "../../../shared/io/streams/groups.ts";
import { streamTrimmerOn } from "../../../shared/io/streams/stream-trimmer.ts";
import { keysOf } from "../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../servers/fixtures.ts";
import { connectRedis } from "../../servers/redis-contents.ts";

/** A group that nothing reads any longer keeps its stream from being trimmed until it is removed. */

const OF = { stream: "strategy_input_stream", group: "strategy_executor" } as const;
const redis = connectRedis();
afterAll(() => redis.disconnect());

async function withTasks(): Promise<Connection & { key: string }> {
  const answer = readConfig({ KEY_PREFIX: freshPrefix() });
  if (!answer.ok) throw new Error(answer.message);
  const keys = keysOf(answer.config.keyPrefix);
  const key = keys.stream(OF.stream);
  for (const id of ["1-0", "2-0"]) await redis.xadd(key, id, "strategy_id", "1");
  await createGroup(redis, keys, { ...OF, from: "0" });
  const printed = vi.spyOn(console, "log").mockReturnValue();
  onTestFinished(() => printed.mockRestore());
  return { redis, redisUrl: redisUrl(), keys, config: answer.config, confirm: CONFIRMED, key };
}

const trimmed = async ({ keys }: Connection) =>
  streamTrimmerOn(redis, keys, { retentionMs: 1 }).step(OF.stream);

test("what was kept for it is trimmed, and its removal is an event", async () => {
  const connection = await withTasks();
  expect(await trimmed(connection)).toMatchObject({ removed: 0 });
  await removeUnreadGroup(connection, OF.group, { by: "ops" });
  expect(await trimmed(connection)).toMatchObject({ removed: 2 });
  const events = await redis.xrange(connection.keys.stream("system_events"), "-", "+");
  expect(JSON.stringify(events)).toContain("group strategy_executor of strategy_input_stream was removed");
});

test("it is not removed while entries are pending in it", async () => {
  const connection = await withTasks();
  await redis.xreadgroup("GROUP", OF.group, "c", "COUNT", 1, "STREAMS", connection.key, ">");
  await expect(removeUnreadGroup(connection, OF.group, {})).rejects.toThrow("1 entries are pending in it");
  expect(await trimmed(connection)).toMatchObject({ removed: 0 });
});

test("it is not removed while a router reads it", async () => {
  const connection = await withTasks();
  const [seconds] = await redis.time();
  await redis.hset(connection.keys.loops, `${OF.stream} ${OF.group} host-1-abcdef`, Number(seconds) * 1_000);
  await expect(removeUnreadGroup(connection, OF.group, {})).rejects.toThrow(
    "host-1-abcdef reads strategy_executor",
  );
});
