import { afterAll, expect, test } from "vitest";
import { readStatus } from "../../../../shared/io/status/status.ts";
import { pruneConsumers } from "../../../../shared/io/streams/consumers.ts";
import { readForeignConsumers } from "../../../../shared/io/streams/foreign-consumers.ts";
import { keysOf } from "../../../../shared/keys.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";

const redis = connectRedis();
afterAll(() => redis.disconnect());

test("a key of OUTCOME_STREAMS that is no stream stops neither a start, nor the upkeep, nor the status", async () => {
  const prefix = freshPrefix();
  const keys = keysOf(prefix, { outcomeStreams: [`${prefix}reports`] });
  await redis.set(`${prefix}reports`, "no stream");
  const [stream] = keys.outcomeStreams;
  if (stream === undefined) throw new Error("expected an outcome stream");
  expect(await readForeignConsumers(redis, keys)).toEqual([]);
  expect(await pruneConsumers(redis, keys, { stream, group: "outcome_collector", idleMs: 0 })).toEqual([]);
  const { streams } = await readStatus(redis, keys);
  expect(streams.find(({ name }) => name === stream)).toMatchObject({ length: 0, groups: [] });
  await redis.set(keys.stream("signals_stream"), "no stream");
  await expect(readForeignConsumers(redis, keys)).rejects.toThrow(/WRONGTYPE/);
});
