import { afterAll, expect, test } from "vitest";
import { namedStrategy } from "../../../runner/cli/named-strategy.ts";
import { referenceStoreOn } from "../../../shared/io/reference/reference-store.ts";
import { keysOf } from "../../../shared/keys.ts";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import { NOW, rowsWithStrategies, strategyRow } from "../../builders.ts";
import { freshPrefix } from "../../servers/fixtures.ts";
import { connectRedis } from "../../servers/redis-contents.ts";

const redis = connectRedis();
afterAll(() => redis.disconnect());

test("a strategy is found by id or name; of several with one name the ids are named", async () => {
  const at = { redis, keys: keysOf(freshPrefix()) };
  await expect(namedStrategy(at, "Trend")).rejects.toThrow("no strategies yet");
  const store = referenceStoreOn(redis, at.keys);
  const names = ["Trend", "Twin", "Twin"];
  const strategies = names.map((name, n) => strategyRow(7 + n, { name }));
  const built = buildReference(rowsWithStrategies(strategies));
  await store.publish({ ticket: await store.takeTicket(), ...built, now: NOW });
  expect(await namedStrategy(at, "Trend")).toBe(7);
  expect(await namedStrategy(at, "42")).toBe(42);
  await expect(namedStrategy(at, "Twin")).rejects.toThrow("one of the ids 8, 9");
  await expect(namedStrategy(at, "Trent")).rejects.toThrow('the closest is "Trend"');
});
