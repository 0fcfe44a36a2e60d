import { describe, expect, test } from "vitest";
import { deadLettersOf } from "../dead-letter-fixture.ts";
import { useHttpApp } from "../http-fixture.ts";
import { freshSignal } from "../router-steps.ts";

const http = useHttpApp();
const letters = deadLettersOf(http);

describe("GET /dead-letters", () => {
  test("lists them page by page from either end, with their number, unreadable ones included", async () => {
    const ids = [
      await letters.add(),
      await letters.addRaw({ fields: "{" }),
      await letters.add(),
      await letters.add(),
      await letters.add(),
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
    const id = await letters.add(freshSignal({ note }));
    const [listed] = (await http.call("GET", "/dead-letters")).body.dead_letters;
    const { status, body } = await http.call("GET", `/dead-letters/${id}`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, function: "process-signals", deliveries: 5, fields: { note } });
    expect(listed).toEqual({ ...body, fields: { ...body.fields, note: note.slice(0, 1_024) } });
  });

  test("answers at the first and the last possible id, and refuses an invalid one", async () => {
    await letters.add();
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

  test("is 404 for an unknown id and 422 for an invalid one", async () => {
    const answers = await Promise.all(
      ["5-0", "0-0", "x"].map(async (id) => http.call("GET", `/dead-letters/${id}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 422]);
    expect(answers[0]?.body).toMatchObject({ code: "no_such_dead_letter" });
  });
});

describe("DELETE /dead-letters/{id}", () => {
  test("discards it, and an event keeps its content and who did it", async () => {
    const id = await letters.add(freshSignal({ note: "keep me" }));
    const { status, body } = await http.call("DELETE", `/dead-letters/${id}?by=ann%00`);
    expect({ status, body }).toEqual({ status: 204, body: "" });
    expect(await letters.count()).toBe(0);
    const [event] = await http
      .fieldsIn("system_events")
      .then((all) => all.filter(({ source }) => source === "dead-letters"));
    expect(event?.["message"]).toContain(`dead letter ${id}`);
    expect(event?.["message"]).toContain("discarded by ann\uFFFD");
    expect(event?.["details"]).toContain("keep me");
    expect(await http.call("DELETE", `/dead-letters/${id}`)).toMatchObject({
      status: 404,
      body: { code: "no_such_dead_letter" },
    });
  });

  test("discards an unreadable one, and refuses an invalid id or parameter", async () => {
    const id = await letters.addRaw({ anything: "x" });
    expect((await http.call("DELETE", `/dead-letters/${id}?by=`)).status).toBe(422);
    expect((await http.call("DELETE", `/dead-letters/${id}?who=ann`)).status).toBe(422);
    expect((await http.call("DELETE", "/dead-letters/x")).status).toBe(422);
    expect(await letters.count()).toBe(1);
    expect((await http.call("DELETE", `/dead-letters/${id}`)).status).toBe(204);
  });
});
