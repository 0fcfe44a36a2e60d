import { describe, expect, test } from "vitest";
import { deadLettersOf } from "../dead-letter-fixture.ts";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp();
const letters = deadLettersOf(http);

describe("POST /dead-letters/retry", () => {
  test("retries the named ones and reports each", async () => {
    const [good, other] = [await letters.add(), await letters.add()];
    const unknown = await letters.add({}, { functionName: "make-coffee" });
    const { status, body } = await http.call("POST", "/dead-letters/retry", {
      ids: [good, unknown, "5-0", `0${good}`],
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      invocation: expect.any(String),
      counts: { done: 1, dead: 0, left: 1, gone: 1 },
      attempts: [
        { id: good, status: "done", note: "dispatched" },
        { id: unknown, status: "left", note: expect.stringContaining("make-coffee") },
        { id: "5-0", status: "gone", note: expect.any(String) },
      ],
      next: null,
    });
    expect((await http.call("GET", "/dead-letters?order=oldest")).body.dead_letters).toMatchObject([
      { id: other },
      { id: unknown },
    ]);
  });

  test("retries all, a hundred per call, and goes on after those that cannot be retried", async () => {
    const left = await letters.add({}, { functionName: "make-coffee" });
    for (let n = 0; n < 150; n += 1) await letters.add();
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
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(150);
  });

  test("records nothing when there is nothing to retry", async () => {
    const { status, body } = await http.call("POST", "/dead-letters/retry", { all: true });
    expect({ status, body }).toMatchObject({
      status: 200,
      body: { invocation: null, attempts: [], next: null },
    });
    expect(await http.fieldsIn("signal_results")).toEqual([]);
  });

  test("refuses a body that names none, or too many", async () => {
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
