import { afterAll, expect, test } from "vitest";
import { ensureGroup } from "../../../../shared/io/streams/groups.ts";
import { pendingDecisionsOn } from "../../../../shared/io/streams/pending-decisions.ts";
import { keysOf } from "../../../../shared/keys.ts";
import { signalEntry } from "../../../records.ts";
import { freshPrefix } from "../../../servers/fixtures.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";

/** Decisions that are delivered and not stored, of a router with GROUP_SUFFIX. */

const redis = connectRedis();
afterAll(() => redis.disconnect());

test("what is pending is not read again within some seconds, and says up to which record it was read", async () => {
  const keys = keysOf(freshPrefix(), { groupSuffix: "_new" });
  const key = keys.stream("signal_results");
  await ensureGroup(redis, keys, "signal_results", "log_writer");
  const decide = async (uid: string): Promise<string> => {
    const id = await redis.xadd(key, "*", ...Object.entries(signalEntry({ uid }).fields).flat());
    await redis.xreadgroup("GROUP", keys.group("log_writer"), "c", "STREAMS", key, ">");
    return id ?? "";
  };
  const pending = pendingDecisionsOn(redis, keys);
  const first = await decide("a");
  expect(await pending.pendingDecisions()).toMatchObject({ uids: new Set(["a"]), until: first });
  await decide("b");
  expect(await pending.pendingDecisions()).toMatchObject({ uids: new Set(["a"]), until: first });
  expect(await pending.pendingCount()).toBe(2);
});
