import { expect, test } from "vitest";
import { redisUrl } from "../../servers/fixtures.ts";
import { useRunners } from "./holdings-fixture.ts";

const GROUP = "signal_processor";
const runners = useRunners(redisUrl, { leaseMs: 600 });
const never = new AbortController().signal;

test("one runner holds a group, the other takes it as soon as it is released", async () => {
  const [a, b] = [runners.runner("a"), runners.runner("b")];
  const held = await a.keep(GROUP);
  const next = b.keep(GROUP);
  expect(await b.tryHold(GROUP, { waitMsMax: 0 })).toMatchObject({ status: "held_by", runner: "a" });
  await held.release();
  const taken = await next;
  expect(taken.token).not.toBe(held.token);
  const { since } = await runners.leaseOf(GROUP);
  expect(await a.tryHold(GROUP, { waitMsMax: 0 })).toEqual({
    status: "held_by",
    runner: "b",
    since: Number(since),
  });
  expect(held.lost.aborted).toBe(false);
  expect(b.events.map(({ level, message }) => [level, message])).toContainEqual([
    "INFO",
    "a holds signal_processor; this router is its standby and reads it when that one ends",
  ]);
});

test("a stop ends the wait for a group", async () => {
  const [a, b] = [runners.runner("a"), runners.runner("b")];
  await a.keep(GROUP);
  const stopping = new AbortController();
  const waiting = b.hold(GROUP, { stopping: stopping.signal });
  stopping.abort();
  expect(await waiting).toBeUndefined();
  const waitingAtClose = b.hold(GROUP, { stopping: never });
  await b.close();
  expect(await waitingAtClose).toBeUndefined();
});
