import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { eventFields, type SystemEvent } from "../../../../shared/events.ts";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { addEvent } from "../../../../shared/io/streams/system-events.ts";
import { connectRedis } from "../../../servers/redis-contents.ts";
import { event, NO_ROWS, replay } from "../../../shared/io/log/logged.ts";
import { appOn, callApp, useHttpApp } from "../http-fixture.ts";
import { callWithoutPostgres } from "../without-postgres.ts";

const http = useHttpApp();

const AT = Date.parse("2026-01-02T00:00:00.000Z");
const timeAt = (second: number): string => new Date(AT + second * 1_000).toISOString();

/** Adds an event to the stream, as the router does. */
async function publish(published: SystemEvent, second: number): Promise<string> {
  const id = randomUUID();
  await addEvent(http.services.redis, http.services.keys, eventFields(published, AT + second * 1_000, id));
  return id;
}

async function log(...events: ReturnType<typeof event>[]): Promise<void> {
  const { database, keys } = http.services;
  await logStoreOn(database, keys.shard).write({ ...NO_ROWS, events });
}

const idsIn = (body: { events: { id: string }[] }) => body.events.map(({ id }) => id);

test("events are listed newest first, in the log or still on their way, and found by level, source, text, time and what is to do", async () => {
  // What the start of the fixture has said.
  await http.services.events.flush(5_000);
  await http.services.redis.del(http.services.keys.stream("system_events"));
  const ids = Array.from({ length: 4 }, () => randomUUID());
  const [first = "", second = "", third = "", fourth = ""] = ids;
  const quiet = { actionFlag: false };
  await log(
    event(first, { at: timeAt(1), level: "ERROR", message: "Disk is FULL" }),
    event(second, { at: timeAt(2), level: "INFO", ...quiet }),
    event(third, { at: timeAt(3), level: "WARNING", source: "http", ...quiet }),
    event(fourth, { at: timeAt(3), level: "CRITICAL", ...quiet }),
  );
  const waiting = await publish({ level: "ERROR", source: "control", message: "new", actionNeeded: true }, 4);
  const twice = eventFields({ level: "INFO", source: "runner", message: "started" }, AT + 2_000, second);
  await addEvent(http.services.redis, http.services.keys, twice);
  const tied = [third, fourth].toSorted().toReversed();
  const all = [waiting, ...tied, second, first];
  const list = async (query = "") => (await http.call("GET", `/events${query}`)).body;

  const body = await list();
  expect([idsIn(body), body.log, body.next_cursor]).toEqual([all, "available", null]);
  expect(body.events[0]).toEqual({
    id: waiting,
    at: timeAt(4),
    level: "ERROR",
    source: "control",
    message: "new",
    details: {},
    action_flag: true,
    done: null,
    logged: false,
  });
  expect(body.events.filter(({ logged }: { logged: boolean }) => !logged)).toHaveLength(1);
  const seen: string[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page: { events: { id: string }[]; next_cursor: string | null } = await list(
      `?limit=2${cursor === "" ? "" : `&cursor=${cursor}`}`,
    );
    seen.push(...idsIn(page));
    cursor = page.next_cursor;
  }
  expect(seen).toEqual(all);
  expect(idsIn(await list("?level=ERROR"))).toEqual([waiting, fourth, first]);
  expect(idsIn(await list("?source=http"))).toEqual([third]);
  expect(idsIn(await list("?text=is%20full"))).toEqual([first]);
  expect(idsIn(await list("?action=true"))).toEqual([waiting, first]);
  expect(idsIn(await list(`?from=${timeAt(2)}&to=${timeAt(3)}`))).toEqual([second]);
  for (const query of [
    "?level=LOUD",
    "?cursor=x",
    "?from=2026-01-02&to=2026-01-01",
    "?action=false",
    "?who=x",
  ])
    expect((await http.call("GET", `/events${query}`)).status).toBe(422);

  const without = (await callWithoutPostgres(http, "GET", "/events")).body;
  expect([without.log, idsIn(without)]).toEqual(["unavailable", [waiting, second]]);

  const redis = connectRedis();
  redis.disconnect();
  const unanswered = appOn({ ...http.services, redis });
  const ofLog = (await callApp(unanswered, "GET", "/events")).body;
  expect([ofLog.log, ofLog.redis, idsIn(ofLog)]).toEqual(["available", "unavailable", all.slice(1)]);

  // In the log it would have been removed; in the stream it may be for as long as STREAM_RETENTION_MS.
  const forADay = appOn({ ...http.services, config: { ...http.services.config, logRetentionDays: 1 } });
  expect(idsIn((await callApp(forADay, "GET", "/events?action=true")).body)).toEqual([first]);
  expect((await callApp(forADay, "POST", `/events/${waiting}/done`)).status).toBe(404);
});

test("an event is done once, by the first who says so, also before it is in the log and when it is written again", async () => {
  const logged = randomUUID();
  const asking = event(logged, { at: timeAt(1) });
  await log(asking, event(randomUUID(), { actionFlag: false }));
  const waiting = await publish({ level: "ERROR", source: "x", message: "new", actionNeeded: true }, 2);
  for (const id of [logged, waiting]) {
    const first = await http.call("POST", `/events/${id}/done`, { by: "ann\0", note: "put right" });
    expect(first).toMatchObject({
      status: 200,
      body: { id, logged: true, done: { by: "ann\uFFFD", note: "put right" } },
    });
    const again = await http.call("POST", `/events/${id.toUpperCase()}/done`, { by: "bob" });
    expect(again.body).toEqual(first.body);
  }
  await log(asking);
  const { body } = await http.call("GET", "/events?action=true");
  expect(body.events).toEqual([]);
  const control = await http.fieldsIn("system_events");
  await http.services.events.flush(5_000);
  expect((await http.fieldsIn("system_events")).filter(({ source }) => source === "control")).toHaveLength(2);
  expect(control.length).toBeGreaterThan(0);

  const quiet = (await http.call("GET", "/events?level=INFO")).body.events.find(
    ({ action_flag }: { action_flag: boolean }) => !action_flag,
  );
  expect(await http.call("POST", `/events/${quiet.id}/done`)).toMatchObject({
    status: 409,
    body: { code: "no_action_needed" },
  });
  expect(await http.call("POST", `/events/${randomUUID()}/done`)).toMatchObject({
    status: 404,
    body: { code: "no_such_event" },
  });
  expect((await http.call("POST", "/events/17/done")).status).toBe(422);
});

test("runs on demand are listed newest first, with whether they have ended and what they came to", async () => {
  const { database, keys } = http.services;
  const ended = { finished_at: timeAt(9), counts: { dispatched: 2 } };
  await logStoreOn(database, keys.shard).write({
    ...NO_ROWS,
    invocations: [
      replay("a", { started_at: timeAt(1), ...ended }),
      replay("c", { started_at: timeAt(2), kind: "manual", mode: null, requested_by: "bob" }),
      replay("b", { started_at: timeAt(2) }),
    ],
  });
  const list = async (query = "") => (await http.call("GET", `/invocations${query}`)).body;
  const named = (body: { invocations: { id: string }[] }) => body.invocations.map(({ id }) => id);
  const body = await list();
  expect(named(body)).toEqual(["c", "b", "a"]);
  expect(body.invocations.map(({ state }: { state: string }) => state)).toEqual([
    "unfinished",
    "unfinished",
    "finished",
  ]);
  const first = await list("?limit=1");
  expect(named(await list(`?limit=1&cursor=${first.next_cursor}`))).toEqual(["b"]);
  expect(named(await list("?kind=replay&by=ann"))).toEqual(["b", "a"]);
  expect((await http.call("GET", "/invocations/a")).body).toMatchObject({
    id: "a",
    counts: { dispatched: 2 },
  });
  expect(await http.call("GET", "/invocations/none")).toMatchObject({
    status: 404,
    body: { code: "no_such_invocation" },
  });
  expect((await callWithoutPostgres(http, "GET", "/invocations")).status).toBe(503);
});
