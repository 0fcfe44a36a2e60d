import { beforeEach, describe, expect, test } from "vitest";
import { createHttpApp } from "../../../../runner/http/app.ts";
import { deadLetterEffects } from "../../../../shared/dead-letter.ts";
import type { Fields } from "../../../../shared/entry.ts";
import { pause, resume } from "../../../../shared/io/reference/control-store.ts";
import type { StreamName } from "../../../../shared/keys.ts";
import { fieldsIn } from "../../../servers/redis-contents.ts";
import { ran } from "../../../shared/io/log/logged.ts";
import { TOKEN, useHttpApp } from "../http-fixture.ts";
import { freshSignal, logWaiting, withoutPostgres } from "../routed.ts";

const http = useHttpApp();

const inStream = async (name: StreamName) => fieldsIn(http.services.redis, http.services.keys.stream(name));
const lettersLeft = async () => http.services.redis.xlen(http.services.keys.stream("dead_letters"));
const add = async (fields: Fields) =>
  String(
    await http.services.redis.xadd(
      http.services.keys.stream("dead_letters"),
      "*",
      ...Object.entries(fields).flat(),
    ),
  );

interface LetterOptions {
  readonly stream?: StreamName;
  readonly functionName?: string;
  readonly reason?: string;
}

let entries = 0;
beforeEach(() => {
  entries = 0;
});

/** Gives up on an entry with these fields, by default a signal that strategy 10 would be given. */
async function addLetter(
  fields: Fields = freshSignal({ uid: crypto.randomUUID() }),
  {
    stream = "signals_stream",
    functionName = "process-signals",
    reason = "deliveries_exhausted",
  }: LetterOptions = {},
): Promise<string> {
  const entry = { id: `${Date.now()}-${(entries += 1)}`, fields };
  const dead = { id: entry.id, status: "dead", reason, error: "it failed" } as const;
  const effects = deadLetterEffects(entry, dead, { stream, functionName, deliveries: 5, at: Date.now() });
  return add(effects.append[0]?.fields ?? {});
}

const addOutcomeLetter = async () =>
  addLetter(
    { kind: "outcome", entry_id: "17-0", invocation: "live", data: JSON.stringify(ran("17-0").record) },
    { stream: "signal_results", functionName: "persist-log" },
  );

const retry = async (id: string, body?: unknown) => http.call("POST", `/dead-letters/${id}/retry`, body);

describe("GET /dead-letters", () => {
  test("lists them page by page from either end, with their number, also what cannot be read", async () => {
    const ids = [
      await addLetter(),
      await add({ fields: "{" }),
      await addLetter(),
      await addLetter(),
      await addLetter(),
    ];
    for (const [order, expected] of [
      ["oldest", ids],
      ["newest", ids.toReversed()],
    ] as const) {
      const seen: string[] = [];
      let after = "";
      while (seen.length < ids.length) {
        const { status, body } = await http.call("GET", `/dead-letters?order=${order}&limit=2${after}`);
        expect({ status, count: body.count }).toEqual({ status: 200, count: 5 });
        seen.push(...body.dead_letters.map(({ id }: { id: string }) => id));
        expect(body.next).toBe(seen.length < ids.length ? seen.at(-1) : null);
        after = `&after=${body.next}`;
      }
      expect(seen).toEqual(expected);
    }
    const { body } = await http.call("GET", "/dead-letters");
    expect(body.dead_letters[3]).toEqual({
      id: ids[1],
      fault: expect.stringContaining("stream"),
      raw: { fields: "{" },
    });
  });

  test("cuts long values in the list and has them whole by id", async () => {
    const note = "x".repeat(100_000);
    const id = await addLetter(freshSignal({ note }));
    const [listed] = (await http.call("GET", "/dead-letters")).body.dead_letters;
    const { status, body } = await http.call("GET", `/dead-letters/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, function: "process-signals", deliveries: 5, fields: { note } });
    expect(listed).toEqual({ ...body, fields: { ...body.fields, note: note.slice(0, 1_024) } });
  });

  test("answers also at the ends of all ids, and refuses what is none", async () => {
    await addLetter();
    const last = "18446744073709551615-18446744073709551615";
    for (const query of ["after=0-0", "after=00-0", `order=oldest&after=${last}`]) {
      const { status, body } = await http.call("GET", `/dead-letters?${query}`);
      expect([query, status, body.dead_letters]).toEqual([query, 200, []]);
    }
    for (const query of [
      "limit=0",
      "limit=201",
      "limit=x",
      "after=5",
      "order=up",
      "by=ann",
      "after=5-0%00",
    ]) {
      const { status, body } = await http.call("GET", `/dead-letters?${query}`);
      expect([query, status, body.code]).toEqual([query, 422, "invalid_request"]);
    }
  });

  test("is 404 for one that is not there and 422 for what is no id", async () => {
    const answers = await Promise.all(
      ["5-0", "0-0", "x"].map(async (id) => http.call("GET", `/dead-letters/${id}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 422]);
    expect(answers[0]?.body).toMatchObject({ code: "no_such_dead_letter" });
  });
});

describe("POST /dead-letters/{id}/retry", () => {
  test("decides the signal, once, and records who asked for it and why", async () => {
    const id = await addLetter();
    const { status, body } = await retry(id, { by: "ann", reason: "mended\u0000" });
    expect({ status, body }).toEqual({
      status: 200,
      body: { invocation: expect.any(String), status: "done", note: "dispatched" },
    });
    expect(await inStream("strategy_input_stream")).toMatchObject([
      { strategy_id: "10", invocation: body.invocation },
    ]);
    expect(await retry(id)).toMatchObject({ status: 404, body: { code: "no_such_dead_letter" } });
    await logWaiting(http.services);
    expect(await http.sql("SELECT id, requested_by, reason, counts FROM invocations")).toEqual([
      {
        id: body.invocation,
        requested_by: "ann",
        reason: "mended\uFFFD",
        counts: { done: 1, dead: 0, left: 0, gone: 0 },
      },
    ]);
  });

  test("acts once, however many ask at once", async () => {
    const id = await addLetter();
    const answers = await Promise.all(Array.from({ length: 5 }, async () => retry(`0${id}`)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404, 404, 404, 404]);
    expect(await inStream("strategy_input_stream")).toHaveLength(1);
  });

  test("says that it was given up on again", async () => {
    const id = await addOutcomeLetter();
    await http.sql("ALTER TABLE signal_log_entries ADD CONSTRAINT none CHECK (false)");
    const { status, body } = await retry(id);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { status: "dead", note: expect.stringMatching(/refused_row/) },
    });
    expect(await lettersLeft()).toBe(1);
  });

  test("is 503 while something is away or paused, and leaves it where it is", async () => {
    const id = await addOutcomeLetter();
    const services = await withoutPostgres(http.services);
    const app = createHttpApp({ services, token: TOKEN, peerAddressOf: () => undefined });
    const headers = { authorization: `Bearer ${TOKEN}` };
    const away = await app.request(`/dead-letters/${id}/retry`, { method: "POST", headers });
    await services.database.close();
    expect({ status: away.status, body: await away.json() }).toMatchObject({
      status: 503,
      body: { code: "dead_letter_left", detail: expect.stringContaining("postgres is not available") },
    });
    await pause(http.services.redis, http.services.keys, undefined, { by: "ann", at: Date.now() });
    const signal = await addLetter();
    expect(await retry(signal)).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining("every strategy is paused") },
    });
    expect(await lettersLeft()).toBe(2);
    await resume(http.services.redis, http.services.keys, undefined);
    expect(await retry(signal)).toMatchObject({ status: 200, body: { note: "dispatched" } });
  });

  test("is 409 when no other try can end otherwise", async () => {
    const ids = [
      await add({ fields: "{" }),
      await addLetter({}, { reason: "entry_deleted" }),
      await addLetter({}, { functionName: "make-coffee" }),
    ];
    const answers = await Promise.all(ids.map(async (id) => retry(id)));
    expect(answers.map(({ status, body }) => [status, body.code, body.detail])).toEqual([
      [409, "dead_letter_cannot_be_retried", expect.stringContaining("cannot be read")],
      [409, "dead_letter_cannot_be_retried", expect.stringContaining("fields are lost")],
      [409, "dead_letter_cannot_be_retried", expect.stringContaining("make-coffee")],
    ]);
    expect(await lettersLeft()).toBe(3);
  });

  test("refuses a body that is not what is expected, and does nothing", async () => {
    const id = await addLetter();
    for (const body of [
      { by: "" },
      { by: 1 },
      { who: "me" },
      { reason: "x".repeat(2_000) },
      [],
      null,
      "ann",
    ]) {
      expect((await retry(id, body)).status).toBe(422);
    }
    const form = await http.call(
      "POST",
      `/dead-letters/${id}/retry`,
      { by: "ann" },
      { "content-type": "text/plain" },
    );
    expect(form).toMatchObject({ status: 415, body: { code: "unsupported_media_type" } });
    expect((await retry("x")).status).toBe(422);
    expect(await lettersLeft()).toBe(1);
    expect(await inStream("signal_results")).toEqual([]);
  });
});

describe("POST /dead-letters/retry", () => {
  test("retries those named and tells of each", async () => {
    const [good, other] = [await addLetter(), await addLetter()];
    const strange = await addLetter({}, { functionName: "make-coffee" });
    const { status, body } = await http.call("POST", "/dead-letters/retry", {
      ids: [good, strange, "5-0", `0${good}`],
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      invocation: expect.any(String),
      counts: { done: 1, dead: 0, left: 1, gone: 1 },
      attempts: [
        { id: good, status: "done", note: "dispatched" },
        { id: strange, status: "left", note: expect.stringContaining("make-coffee") },
        { id: "5-0", status: "gone", note: expect.any(String) },
      ],
      next: null,
    });
    expect((await http.call("GET", "/dead-letters?order=oldest")).body.dead_letters).toMatchObject([
      { id: other },
      { id: strange },
    ]);
  });

  test("retries all there are, a hundred per call, and gets past those that have to be left", async () => {
    const left = await addLetter({}, { functionName: "make-coffee" });
    for (let n = 0; n < 150; n += 1) await addLetter();
    const first = (await http.call("POST", "/dead-letters/retry", { all: true })).body;
    expect(first).toMatchObject({ counts: { done: 99, left: 1 }, next: expect.any(String) });
    const second = (
      await http.call("POST", "/dead-letters/retry", { all: true, after: first.next, by: "ann" })
    ).body;
    expect(second).toMatchObject({ counts: { done: 51, left: 0 }, next: null });
    expect((await http.call("GET", "/dead-letters")).body).toMatchObject({
      count: 1,
      dead_letters: [{ id: left }],
    });
    expect(await inStream("strategy_input_stream")).toHaveLength(150);
  });

  test("records nothing when there is nothing to retry", async () => {
    const { status, body } = await http.call("POST", "/dead-letters/retry", { all: true });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { invocation: null, attempts: [], next: null },
    });
    expect(await inStream("signal_results")).toEqual([]);
  });

  test("refuses what does not say which, or too many", async () => {
    const id = "5-0";
    const bodies = [
      {},
      { all: false },
      { ids: [] },
      { ids: [id], all: true },
      { ids: ["x"] },
      { ids: id },
      { ids: Array(101).fill(id) },
    ];
    for (const body of bodies) {
      expect(await http.call("POST", "/dead-letters/retry", body)).toMatchObject({ status: 422 });
    }
    expect((await http.call("POST", "/dead-letters/retry")).status).toBe(422);
  });
});

describe("DELETE /dead-letters/{id}", () => {
  test("throws it away for good, and an event keeps what it was and who did it", async () => {
    const id = await addLetter(freshSignal({ note: "keep me" }));
    const { status, body } = await http.call("DELETE", `/dead-letters/${id}?by=ann%00`);
    expect({ status, body }).toEqual({ status: 204, body: "" });
    expect(await lettersLeft()).toBe(0);
    const [event] = await inStream("system_events").then((all) =>
      all.filter(({ source }) => source === "dead-letters"),
    );
    expect(event?.["message"]).toContain(`dead letter ${id}`);
    expect(event?.["message"]).toContain("discarded by ann\uFFFD");
    expect(event?.["details"]).toContain("keep me");
    expect(await http.call("DELETE", `/dead-letters/${id}`)).toMatchObject({
      status: 404,
      body: { code: "no_such_dead_letter" },
    });
  });

  test("works on what cannot be read, and refuses what is no id or says nothing", async () => {
    const id = await add({ anything: "x" });
    expect((await http.call("DELETE", `/dead-letters/${id}?by=`)).status).toBe(422);
    expect((await http.call("DELETE", `/dead-letters/${id}?who=ann`)).status).toBe(422);
    expect((await http.call("DELETE", "/dead-letters/x")).status).toBe(422);
    expect(await lettersLeft()).toBe(1);
    expect((await http.call("DELETE", `/dead-letters/${id}`)).status).toBe(204);
  });
});
