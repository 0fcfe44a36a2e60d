import { expect, test, vi } from "vitest";
import { groupLeasesOn } from "../../../shared/io/leases/group-leases.ts";
import { isSilentRouter, readRouters, removeDeadRouters } from "../../../shared/io/leases/router-registry.ts";
import { redisUrl } from "../../servers/fixtures.ts";
import { useRunners } from "./holdings-fixture.ts";

const GROUP = "signal_processor";
const LEASE_MS = 600;
const runners = useRunners(redisUrl, { leaseMs: LEASE_MS });
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

test("the lease of a killed holder has another one within 5/3 of LEASE_MS and 0.5 s, and no earlier than 4/3", async () => {
  const { keys, redis } = runners;
  const killed = { group: GROUP, token: "of a killed holder" } as const;
  const leases = groupLeasesOn(redis, keys, { leaseMs: LEASE_MS });
  const b = runners.runner("b");
  const takenAt = await leases.take(killed, { runner: "killed", functions: [] });
  await b.keep(GROUP);
  const { since, runner } = await runners.leaseOf(GROUP);
  expect(runner).toBe("b");
  const afterMs = Number(since) - Number(takenAt);
  expect(afterMs).toBeGreaterThanOrEqual((4 / 3) * LEASE_MS);
  expect(afterMs).toBeLessThanOrEqual((5 / 3) * LEASE_MS + 500);
  expect(await leases.renew(killed)).toBe(false);
  expect(b.events).toContainEqual(
    expect.objectContaining({
      level: "WARNING",
      message: expect.stringMatching(
        /^this router holds signal_processor now: killed has not renewed its lease/,
      ),
    }),
  );
});

test("a holder whose loop no longer turns is not renewed; when it turns again it is deposed", async () => {
  const [a, b] = [runners.runner("a"), runners.runner("b")];
  const still = await a.hold(GROUP, { stopping: never });
  await b.keep(GROUP);
  still?.alive();
  await aborted(still?.lost);
  expect(still?.lost.reason).toMatchObject({ why: "other_holder" });
  expect(a.events.filter(({ level }) => level !== "INFO")).toEqual([]);
});

test("a holder with entries that wait and nothing committed gives the group to another, with a warning", async () => {
  const [a, b] = [runners.runner("a"), runners.runner("b")];
  const stuck = await a.keep(GROUP);
  const next = b.keep(GROUP);
  stuck.waiting(true);
  await aborted(stuck.lost);
  expect(stuck.lost.reason).toMatchObject({ why: "gave_up" });
  await next;
  expect(a.events).toContainEqual(
    expect.objectContaining({
      level: "WARNING",
      message: expect.stringContaining("entries have waited for 1.2 s and nothing was committed"),
    }),
  );
});

test("a holder that gets nothing done keeps the group while no other router could have it", async () => {
  const only = runners.runner("only");
  runners.runner("logger", { functions: ["persist-log"] }).join();
  const stuck = await only.keep(GROUP);
  stuck.waiting(true);
  const until = async (): Promise<number> => Number((await runners.leaseOf(GROUP))["until"]);
  const since = await until();
  // Twice LEASE_MS and more.
  await vi.waitFor(async () => expect(await until()).toBeGreaterThan(since + 3 * LEASE_MS), {
    timeout: 10_000,
  });
  expect(stuck.lost.aborted).toBe(false);
});

test("what a script says about another holder ends the holding at once", async () => {
  const a = runners.runner("a");
  const held = await a.keep(GROUP);
  held.deposed();
  expect(held.lost.aborted).toBe(true);
});

test("only the holder of signal_processor reads the groups without an order, for what it runs", async () => {
  const holder = runners.runner("holder", { functions: ["process-signals", "persist-log"] });
  const other = runners.runner("other", { functions: ["persist-log", "notify"] });
  const changes: boolean[] = [];
  other.onChange(() => changes.push(other.readsFor("persist-log")));
  expect(other.readsFor("persist-log")).toBe(false);
  await vi.waitFor(() => expect(changes).toEqual([true]));
  const held = await holder.keep(GROUP);
  expect(holder.readsFor("persist-log")).toBe(true);
  await vi.waitFor(() => expect(changes).toEqual([true, false]));
  expect(other.readsFor("notify")).toBe(true);
  await held.release();
  await vi.waitFor(() => expect(changes).toEqual([true, false, true]));
});

test("a call on demand takes what no router holds, and says nothing; an expired lease it takes at a second look", async () => {
  const { keys, redis } = runners;
  const a = runners.runner("a");
  const free = await a.tryHold(GROUP, { waitMsMax: 0 });
  if (free.status !== "held") throw new Error("it is free");
  await free.release();
  expect(await redis.exists(keys.groupLease(GROUP))).toBe(0);
  expect(a.events).toEqual([]);
  await redis.hset(keys.groupLease(GROUP), {
    token: "t",
    runner: "killed",
    since: 1,
    until: 2,
    valid_ms: 600,
  });
  expect(await a.tryHold(GROUP, { waitMsMax: 0 })).toEqual({ status: "held_by", runner: "killed", since: 1 });
  expect(await a.tryHold(GROUP, { waitMsMax: 10_000 })).toMatchObject({ status: "held" });
  expect(await redis.exists(keys.routers)).toBe(0);
});

test("a lease of another type is never written over, and said", async () => {
  const { keys, redis } = runners;
  const a = runners.runner("a");
  await redis.set(keys.groupLease(GROUP), "mine");
  await expect(a.tryHold(GROUP, { waitMsMax: 0 })).rejects.toThrow(
    /lease of signal_processor cannot be read/,
  );
  const leases = groupLeasesOn(redis, keys, { leaseMs: LEASE_MS });
  const holding = { group: GROUP, token: "t" } as const;
  await expect(leases.take(holding, { runner: "a", functions: [] })).rejects.toThrow(/is a string, where/);
  await expect(leases.renew(holding)).rejects.toThrow(/^WRONGTYPE/);
  await expect(leases.release(holding)).rejects.toThrow(/^WRONGTYPE/);
  const waiting = a.keep(GROUP);
  await vi.waitFor(() =>
    expect(a.events).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining("expected to be a hash; delete the key") }),
    ),
  );
  // The other group does not wait for this one.
  await a.keep("strategy_executor");
  await redis.del(keys.groupLease(GROUP));
  await waiting;
});

test("an entry among the routers that cannot be written holds no lease up, and is said", async () => {
  const { keys, redis } = runners;
  await redis.set(keys.routers, "mine");
  const a = runners.runner("a");
  await a.keep(GROUP);
  const { until } = await runners.leaseOf(GROUP);
  await vi.waitFor(async () => expect((await runners.leaseOf(GROUP))["until"]).not.toBe(until));
  expect(a.events).toContainEqual(
    expect.objectContaining({
      level: "WARNING",
      message: expect.stringContaining("routers is a string, where"),
    }),
  );
});

test("every router that runs is listed until it stops, what it holds is released when it closes", async () => {
  const { keys, redis } = runners;
  const [a, b] = [
    runners.runner("a", { functions: ["process-signals"] }),
    runners.runner("b", { functions: [] }),
  ];
  b.join();
  await a.keep(GROUP);
  await vi.waitFor(async () => expect(await readRouters(redis, keys)).toHaveLength(2));
  const [first] = (await readRouters(redis, keys)).filter(({ consumer }) => consumer === "a");
  expect(first).toMatchObject({ functions: ["process-signals"], pid: process.pid, everyMs: LEASE_MS / 4 });
  expect(first?.since).toBeLessThanOrEqual(first?.at ?? 0);
  await a.close();
  expect(await redis.exists(keys.groupLease(GROUP))).toBe(0);
  expect(await redis.hkeys(keys.routers)).toEqual(["b"]);
});

test("the entries of routers that were killed, and what is none, are removed when they are old", async () => {
  const { keys, redis } = runners;
  const entry = { functions: [], pid: 1, host: "box", every_ms: 100, since: 0 };
  await redis.hset(keys.routers, {
    silent: JSON.stringify({ ...entry, at: 100_000 }),
    killed: JSON.stringify({ ...entry, at: 99_999 }),
    ahead: JSON.stringify({ ...entry, at: 112_001 }),
    other: "no JSON",
  });
  const now = 106_000;
  const listed = await readRouters(redis, keys);
  expect(listed.map(({ consumer }) => consumer).toSorted()).toEqual(["ahead", "killed", "silent"]);
  expect(listed.every((one) => isSilentRouter(one, now))).toBe(true);
  expect(isSilentRouter({ at: now - 800, everyMs: 100 }, now)).toBe(false);
  await removeDeadRouters(redis, keys, now);
  expect(await redis.hkeys(keys.routers)).toEqual(["silent"]);
});

async function aborted(signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) throw new Error("nothing is held");
  await vi.waitFor(() => expect(signal.aborted).toBe(true), { timeout: 20_000, interval: 20 });
}
