import { afterAll, expect, test } from "vitest";
import { readUntilStopped } from "../../../runner/consume/reader.ts";
import { connectRedis } from "../../servers/redis-contents.ts";

const [redis, blocking] = [connectRedis(), connectRedis()];
afterAll(() => [redis, blocking].forEach((one) => one.disconnect()));

test("a reader that is abandoned leaves nothing on its connection, which each holding gives a reader of its own", async () => {
  const before = blocking.listenerCount("close");
  const session = { deps: { redis }, onDelivered: () => undefined };
  const reader = readUntilStopped(session, { blocking, read: async () => [], countMax: 1, blockMs: 1 });
  await reader.next({ msMax: Infinity });
  expect(blocking.listenerCount("close")).toBe(before + 1);
  await reader.abandon();
  expect(blocking.listenerCount("close")).toBe(before);
});
