import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CALL_LIMITS } from "../../../../shared/io/commit/calls.ts";
import { startRedis, type RedisServer } from "../../../servers/redis.ts";
import { GROUP, useCommit } from "./commit-fixture.ts";
import { record } from "./sample-effects.ts";

/** A server of its own: on the one of all tests others would load the script again between two calls. */
let server: RedisServer | undefined;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(async () => server?.stop());
const fixture = useCommit({ url: () => server?.url ?? "" });
const { outcomesOf, deliver, results, metrics } = fixture;

describe("appends", () => {
  it("keep the order of the items over several calls, also right after the scripts were flushed", async () => {
    const { entries } = CALL_LIMITS;
    const ids = await deliver(5 * entries + 60);
    await outcomesOf([{ id: ids[0] ?? "", effects: record("0") }]);
    await fixture.redis.script("FLUSH");
    const items = ids.slice(1).map((id, n) => ({ id, effects: record(String(n + 1)) }));
    const parts = await fixture.commit(items, GROUP);
    expect(parts.map((part) => part.items.length)).toStrictEqual([
      entries,
      entries,
      entries,
      entries,
      entries,
      59,
    ]);
    expect(parts.flatMap((part) => part.items)).toStrictEqual(items);
    expect(await results()).toStrictEqual(ids.map((_, n) => String(n)));
    expect(await metrics()).toStrictEqual({ "signals:ignored": String(ids.length) });
  });
});
