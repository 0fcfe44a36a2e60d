import { describe, expect, test } from "vitest";
import { signalBinding } from "../../../../runner/bindings/signal-binding.ts";
import { logStoreOn } from "../../../../shared/io/log/log-store-postgres.ts";
import { rowsWithStrategies, signalRow, strategyRow } from "../../../builders.ts";
import { at, logged, NO_ROWS, ran, replay, routed } from "../../../shared/io/log/logged.ts";
import { deadLettersOf } from "../dead-letter-fixture.ts";
import { useHttpApp } from "../http-fixture.ts";
import { decideWaiting, deliver, freshSignal, logWaiting } from "../router-steps.ts";
import { callWithoutPostgres } from "../without-postgres.ts";

const rows = rowsWithStrategies([strategyRow(10), strategyRow(11, { enabled: false })]);
const http = useHttpApp({ rows });
const letters = deadLettersOf(http);

const entry = async (id: string) => http.call("GET", `/entries/${id}`);
const signal = async (uid: string) => http.call("GET", `/signals/${encodeURIComponent(uid)}`);
const write = async (...signals: ReturnType<typeof logged>[]) =>
  logStoreOn(http.services.database, http.services.keys.prefix).write({ ...NO_ROWS, signals });

describe("GET /entries/{id}", () => {
  test("follows an entry from its stream to the log, with the same decision before and after it is logged", async () => {
    const { services } = http;
    const fields = freshSignal({ source: "curl" });
    const id = await http.publish(fields);
    const nothing = { decisions: [], outcomes_without_decision: [], dead_letters: [], truncated: false };
    expect(await entry(id)).toMatchObject({
      status: 200,
      body: {
        entry: { id, fields, source: "stream" },
        state: { status: "waiting" },
        log: "available",
        ...nothing,
      },
    });

    await deliver(services, signalBinding(services));
    const pending = { status: "pending", consumer: "test", deliveries: 1, idle_ms: expect.any(Number) };
    expect((await entry(id)).body).toMatchObject({ state: pending, ...nothing });

    const { redis, keys } = services;
    await redis.xgroup("SETID", keys.stream("signals_stream"), "signal_processor", "0");
    await decideWaiting(services);
    const decided = (await entry(id)).body;
    expect(decided).toMatchObject({
      state: { status: "decided_not_logged" },
      decisions: [
        { status: "dispatched", symbol: "BTCUSDT", source: "curl", logged_at: null, invocation: "live" },
      ],
    });
    const outcome = {
      stage: "routing",
      attempt: null,
      duration_ms: null,
      at: decided.decisions[0].decided_at,
      detail: {},
      logged_at: null,
    };
    const [task] = await services.redis.xrange(keys.stream("strategy_input_stream"), "-", "+");
    expect(decided.tasks).toEqual([
      {
        id: task?.[0],
        invocation: "live",
        strategy_id: 10,
        dispatched_at: new Date(Number(task?.[0].split("-")[0])).toISOString(),
        state: "waiting",
        consumer: null,
        attempts: null,
        idle_ms: null,
      },
    ]);
    expect(decided.decisions[0].outcomes).toEqual([
      { ...outcome, strategy_id: 10, strategy: "strategy 10", status: "dispatched", reason: null },
      {
        ...outcome,
        strategy_id: 11,
        strategy: "strategy 11",
        status: "ignored",
        reason: "strategy_disabled",
      },
    ]);

    await logWaiting(services);
    const logged_at = expect.stringMatching(/^\d{4}-.*Z$/);
    expect((await entry(id)).body).toEqual({
      ...decided,
      state: { status: "logged" },
      decisions: [
        {
          ...decided.decisions[0],
          logged_at,
          outcomes: decided.decisions[0].outcomes.map((one: object) => ({ ...one, logged_at })),
        },
      ],
    });
  });

  test("has the entry from the log when it has left the stream, and accepts leading zeros in the id", async () => {
    const fields = freshSignal();
    const id = await http.publish(fields);
    await decideWaiting(http.services);
    await logWaiting(http.services);
    await http.services.redis.xtrim(http.services.keys.stream("signals_stream"), "MAXLEN", 0);
    const { body } = await entry(`0${id}`);
    expect(body).toMatchObject({ entry: { id, fields, source: "log" }, state: { status: "logged" } });
  });

  test("lists every manual run, newest first, with who requested it and why", async () => {
    const { database, keys } = http.services;
    await logStoreOn(database, keys.prefix).write({
      ...NO_ROWS,
      signals: [
        logged("5-0", { outcomes: [routed(10)] }),
        logged("5-0", { invocation: "run 1", decided_at: at("01:00:00.000"), outcomes: [routed(10)] }),
      ],
      outcomes: [ran("5-0"), { ...ran("5-0", { strategy_id: 77 }), invocation: "an unrecorded run" }],
      invocations: [replay("run 1")],
    });
    const { body } = await entry("5-0");
    expect(body.decisions).toMatchObject([
      {
        invocation: "run 1",
        asked_for: { kind: "replay", mode: "force", requested_by: "ann", reason: "the broker was down" },
        outcomes: [{ stage: "routing" }],
      },
      {
        invocation: "live",
        asked_for: null,
        outcomes: [{ stage: "routing" }, { stage: "execution", attempt: 1 }],
      },
    ]);
    expect(body.outcomes_without_decision).toMatchObject([
      { invocation: "an unrecorded run", strategy_id: 77, strategy: null },
    ]);
  });

  test("names the dead letter of an entry that was given up on, and of its record", async () => {
    const ofSignal = await letters.add({ message: "lost" }, { id: "17-0", functionName: "f" });
    expect((await entry("17-0")).body).toMatchObject({
      entry: { fields: { message: "lost" }, source: "dead_letter" },
      state: { status: "dead_letter", ids: [ofSignal] },
      dead_letters: [{ id: ofSignal, function: "f", stream: "signals_stream", error: "it failed" }],
    });
    const record = { entry_id: "18-0", invocation: "live", data: "{}" };
    const ofRecord = await letters.add(
      { ...record, kind: "signal" },
      { id: "900-0", stream: "signal_results" },
    );
    expect((await entry("18-0")).body.state).toEqual({ status: "dead_letter", ids: [ofRecord] });
    const ofOutcome = await letters.add(
      { ...record, entry_id: "19-0", kind: "outcome" },
      { id: "901-0", stream: "signal_results" },
    );
    await write(logged("19-0"));
    expect((await entry("19-0")).body).toMatchObject({
      state: { status: "logged" },
      dead_letters: [{ id: ofOutcome }],
    });
  });

  test("answers what Redis knows while Postgres is unavailable, and 503 when it knows nothing", async () => {
    const id = await http.publish(freshSignal());
    expect(await callWithoutPostgres(http, "GET", `/entries/${id}`)).toMatchObject({
      status: 200,
      body: { state: { status: "waiting" }, log: "unavailable" },
    });
    await decideWaiting(http.services);
    expect(await callWithoutPostgres(http, "GET", `/entries/${id}`)).toMatchObject({
      status: 200,
      body: { state: { status: "acknowledged" }, log: "unavailable", decisions: [{ status: "dispatched" }] },
    });
    const unknown = await callWithoutPostgres(http, "GET", "/entries/5-0");
    expect(unknown).toMatchObject({ status: 503, body: { code: "postgres_unavailable" } });
  });

  test("is 404 for an unknown id, also after the last entry, and 422 for an invalid one", async () => {
    await http.publish(freshSignal());
    for (const id of ["5-0", "0-0", "18446744073709551615-18446744073709551615"]) {
      expect(await entry(id)).toMatchObject({ status: 404, body: { code: "no_such_entry" } });
    }
    for (const id of ["5", "x", "5-0%00", "99999999999999999999-0", "5-0'--", "9".repeat(10_000)]) {
      expect(await entry(id)).toMatchObject({ status: 422, body: { code: "invalid_request" } });
    }
  });

  test("cuts a text that is too long for the record", async () => {
    const id = await http.publish(freshSignal({ note: "x".repeat(100_000) }));
    expect((await entry(id)).body.entry.fields.note).toHaveLength(16_384);
  });
});

describe("GET /signals/{uid}", () => {
  test("has the entry that was dispatched and its duplicates, oldest first", async () => {
    const uid = `50% off / "a\\b" ?#&+ %2F ünï 😀`;
    const ids = [];
    for (let n = 0; n < 3; n += 1) ids.push(await http.publish(freshSignal({ uid })));
    await decideWaiting(http.services);
    await logWaiting(http.services);
    const { status, body } = await signal(uid);
    expect({ status, uid: body.uid, truncated: body.truncated }).toEqual({
      status: 200,
      uid,
      truncated: false,
    });
    expect(body.entries.map((view: { entry: { id: string } }) => view.entry.id)).toEqual(ids);
    expect(body.entries).toMatchObject([
      { decisions: [{ status: "dispatched", duplicate_of: null }] },
      { decisions: [{ status: "duplicate", duplicate_of: ids[0] }] },
      { decisions: [{ status: "duplicate", duplicate_of: ids[0] }] },
    ]);
  });

  test("finds a dispatched signal before it is logged, and while Postgres is unavailable", async () => {
    const id = await http.publish(freshSignal({ uid: "a" }));
    await decideWaiting(http.services);
    const found = { entries: [{ entry: { id }, decisions: [{ uid: "a", status: "dispatched" }] }] };
    expect(await signal("a")).toMatchObject({ status: 200, body: found });
    expect(await callWithoutPostgres(http, "GET", "/signals/a")).toMatchObject({ status: 200, body: found });
    const unknown = await callWithoutPostgres(http, "GET", "/signals/b");
    expect(unknown).toMatchObject({ status: 503, body: { code: "postgres_unavailable" } });
  });

  test("finds the exit that brought the uid of its opening, before both are logged and after", async () => {
    await http.setReference(
      rowsWithStrategies([strategyRow(10, { exits: true })], {
        signals: [signalRow(1, { long_exit_phrase: "OUT" })],
      }),
    );
    const opening = await http.publish(freshSignal({ uid: "both" }));
    const exit = await http.publish(freshSignal({ uid: "both", message: "OUT" }));
    await decideWaiting(http.services);
    const found = [
      { entry: { id: opening }, decisions: [{ uid: "both", direction: "long", side: null }] },
      { entry: { id: exit }, decisions: [{ uid: "both:long", direction: "flat", side: "long" }] },
    ];
    const before = await signal("both");
    expect(before.body.entries).toMatchObject(found);
    await logWaiting(http.services);
    expect((await signal("both")).body.entries).toMatchObject(found);
    expect((await signal("both:long")).body.entries).toMatchObject(found.slice(1));
  });

  test("shows no more than twenty entries, and says that there are more", async () => {
    await write(...Array.from({ length: 25 }, (_, n) => logged(`${n}-0`, { uid: "again and again" })));
    const { body } = await signal("again and again");
    expect(body).toMatchObject({ truncated: true, entries: { length: 20 } });
    expect(body.entries[19].entry.id).toBe("19-0");
  });

  test("searches the uid as it is stored: trimmed, NUL characters replaced", async () => {
    const id = await http.publish(freshSignal({ uid: " a\0b " }));
    await decideWaiting(http.services);
    await logWaiting(http.services);
    expect(await signal(" a\0b ")).toMatchObject({ status: 200, body: { entries: [{ entry: { id } }] } });
  });

  test("is 404 for an unknown uid with any characters, and 422 for an invalid one", async () => {
    for (const uid of ["unknown", "\0", "'; DROP TABLE signal_log; --", "x".repeat(256), "%", "{}"]) {
      expect(await signal(uid)).toMatchObject({ status: 404, body: { code: "no_such_signal" } });
    }
    expect(await http.call("GET", "/signals/%ED%A0%80%zz")).toMatchObject({ status: 404 });
    for (const uid of ["x".repeat(263), "   "]) {
      expect(await signal(uid)).toMatchObject({ status: 422, body: { code: "invalid_request" } });
    }
  });
});
