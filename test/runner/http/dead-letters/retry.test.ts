import { describe, expect, test } from "vitest";
import { pause, resume } from "../../../../shared/io/reference/control-store.ts";
import { deadLettersOf } from "../dead-letter-fixture.ts";
import { useHttpApp } from "../http-fixture.ts";
import { logWaiting } from "../router-steps.ts";
import { callWithoutPostgres } from "../without-postgres.ts";

const http = useHttpApp();
const letters = deadLettersOf(http);
const retry = async (id: string, body?: unknown) => http.call("POST", `/dead-letters/${id}/retry`, body);

describe("POST /dead-letters/{id}/retry", () => {
  test("decides the signal, once, and records who requested it and why", async () => {
    const id = await letters.add();
    const { status, body } = await retry(id, { by: "ann", reason: "repaired\u0000" });
    expect({ status, body }).toEqual({
      status: 200,
      body: { invocation: expect.any(String), status: "done", note: "dispatched" },
    });
    expect(await http.fieldsIn("strategy_input_stream")).toMatchObject([
      { strategy_id: "10", invocation: body.invocation },
    ]);
    expect(await retry(id)).toMatchObject({ status: 404, body: { code: "no_such_dead_letter" } });
    await logWaiting(http.services);
    expect(await http.sql("SELECT id, requested_by, reason, counts FROM invocations")).toEqual([
      {
        id: body.invocation,
        requested_by: "ann",
        reason: "repaired\uFFFD",
        counts: { done: 1, dead: 0, left: 0, gone: 0 },
      },
    ]);
  });

  test("acts once for several requests at once", async () => {
    const id = await letters.add();
    const answers = await Promise.all(Array.from({ length: 5 }, async () => retry(`0${id}`)));
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 404, 404, 404, 404]);
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(1);
  });

  test("reports that it was given up on again", async () => {
    const id = await letters.addOutcome();
    await http.sql("ALTER TABLE signal_log_entries ADD CONSTRAINT none CHECK (false)");
    const { status, body } = await retry(id);
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { status: "dead", note: expect.stringMatching(/refused_row/) },
    });
    expect(await letters.count()).toBe(1);
  });

  test("is 503 while something is unavailable or paused, and keeps the dead letter", async () => {
    const id = await letters.addOutcome();
    expect(await callWithoutPostgres(http, "POST", `/dead-letters/${id}/retry`)).toMatchObject({
      status: 503,
      body: { code: "dead_letter_left", detail: expect.stringContaining("postgres is not available") },
    });
    await pause(http.services.redis, http.services.keys, undefined, { by: "ann", at: Date.now() });
    const signal = await letters.add();
    expect(await retry(signal)).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining("every strategy is paused") },
    });
    expect(await letters.count()).toBe(2);
    await resume(http.services.redis, http.services.keys, undefined);
    expect(await retry(signal)).toMatchObject({ status: 200, body: { note: "dispatched" } });
  });

  test("is 409 when it can never be retried", async () => {
    const ids = [
      await letters.addRaw({ fields: "{" }),
      await letters.add({}, { reason: "entry_deleted" }),
      await letters.add({}, { functionName: "make-coffee" }),
    ];
    const answers = await Promise.all(ids.map(async (id) => retry(id)));
    expect(answers.map(({ status, body }) => [status, body.code, body.detail])).toEqual([
      [409, "dead_letter_cannot_be_retried", expect.stringContaining("cannot be read")],
      [409, "dead_letter_cannot_be_retried", expect.stringContaining("fields are lost")],
      [409, "dead_letter_cannot_be_retried", expect.stringContaining("make-coffee")],
    ]);
    expect(await letters.count()).toBe(3);
  });

  test("refuses an invalid body, and does nothing", async () => {
    const id = await letters.add();
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
    expect(await letters.count()).toBe(1);
    expect(await http.fieldsIn("signal_results")).toEqual([]);
  });
});
