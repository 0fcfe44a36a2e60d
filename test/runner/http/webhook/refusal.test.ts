import { describe, expect, it } from "vitest";
import { FAILURES_MAX } from "../../../../runner/http/auth/failed-auth-limit.ts";
import { ALERT, BYTES_MAX, expectNoSecretIn, IN_PATH, PATH, SECRET, useWebhook } from "./webhook-fixture.ts";

const { http, logLines, post, events } = useWebhook();

describe("an invalid alert", () => {
  it("is answered 400 when it is not a JSON object", async () => {
    const deep = "[".repeat(BYTES_MAX);
    for (const body of ["", "{", "null", "[]", deep, '"text"', "message=EMA_CROSS_LONG", "EMA_CROSS_LONG"]) {
      const { status, body: answer } = await post(IN_PATH, { body });
      expect([body, status, answer.code]).toEqual([body, 400, "not_a_json_object"]);
    }
  });

  it("is told where it is no JSON and what stands there, in the answer and in the event, without the secret", async () => {
    const detail = "the body is no valid JSON: line 2, column 12: found ";
    const { status, body } = await post(IN_PATH, { body: `{"message": "UP",\n "secret": ${SECRET}}` });
    expect({ status, detail: body.detail }).toEqual({ status: 400, detail: expect.stringContaining(detail) });
    expect(await events()).toMatchObject([
      { message: expect.stringContaining(`alert refused with 400: ${detail}`) },
    ]);
    const twice = await post(IN_PATH, {
      body: `${JSON.stringify(ALERT).slice(0, -1)}, "symbol": "ETHUSDT"}`,
    });
    expect(twice).toMatchObject({ status: 400, body: { detail: expect.stringContaining("a second time") } });
    const inBody = await post(PATH, { body: `{"secret": "${SECRET}", "symbol": BTCUSDT}` });
    expect(inBody).toMatchObject({
      status: 401,
      body: { detail: expect.stringMatching(/no valid JSON from line 1, column \d+/) },
    });
    expectNoSecretIn(JSON.stringify([body, twice.body, inBody.body, await events()]), ...logLines);
    expect(await http.fieldsIn("signals_stream")).toEqual([]);
  });

  it("is answered 422 with every error in it", async () => {
    const { status, body } = await post(IN_PATH, {
      body: { message: ["x"], time: "{{time}}", uid: "{{x}}" },
    });
    expect({ status, code: body.code }).toEqual({ status: 422, code: "invalid_signal" });
    expect(body.issues.map(({ path }: { path: string }) => path)).toEqual([
      "message",
      "time",
      "symbol",
      "uid",
    ]);
    expect(await http.fieldsIn("signals_stream")).toEqual([]);
  });

  it("is answered 413 when it is too large, in one piece or in many, and 202 at the limit", async () => {
    const empty = JSON.stringify({ ...ALERT, note: "" }).length;
    const bodyOf = (bytes: number) => JSON.stringify({ ...ALERT, note: "x".repeat(bytes - empty) });
    expect((await post(IN_PATH, { body: bodyOf(BYTES_MAX) })).status).toBe(202);
    const large = await post(IN_PATH, { body: bodyOf(BYTES_MAX + 1) });
    expect(large).toMatchObject({ status: 413, body: { code: "body_too_large" } });
    let sent = 0;
    const endless = new ReadableStream({
      pull(controller) {
        sent += 1;
        controller.enqueue(new Uint8Array(1_024));
      },
    });
    expect((await post(IN_PATH, { body: endless })).status).toBe(413);
    expect(sent).toBeLessThan(20);
  });

  it("is answered 408 when the rest of it does not arrive", async () => {
    const stuck = () =>
      new ReadableStream({
        start(controller) {
          controller.enqueue(new TextEncoder().encode('{"message": '));
        },
      });
    const [known, unknown] = await Promise.all([
      post(IN_PATH, { body: stuck() }),
      post(PATH, { body: stuck() }),
    ]);
    expect(known).toMatchObject({ status: 408, body: { code: "body_late" } });
    expect(unknown).toMatchObject({ status: 408, body: { code: "body_late" } });
  });

  it("is answered 400 when the client disconnects", async () => {
    const body = new ReadableStream({
      pull(controller) {
        controller.error(new Error("aborted"));
      },
    });
    expect(await post(IN_PATH, { body })).toMatchObject({ status: 400, body: { code: "body_broken_off" } });
  });
});

describe("a refused alert is an event", () => {
  it("that says what was wrong and shows the alert, without the secret", async () => {
    await post(IN_PATH, { body: { symbol: "BTCUSDT", note: SECRET, long: "x".repeat(1_000) } });
    const [event, ...more] = await events();
    expect(more).toEqual([]);
    expect(event).toMatchObject({
      level: "WARNING",
      message: "alert refused with 422: the alert is not a valid signal",
      details: { code: "invalid_signal", client: "192.0.2.1", issues: expect.arrayContaining([]) },
    });
    expect(event?.details.excerpt).toMatch(/^\{"symbol":"BTCUSDT","note":"\*{3}","long":"x+$/);
    expect(event?.details.excerpt).toHaveLength(300);
  });

  it("each time, when it had the right secret", async () => {
    for (let n = 0; n < 3; n += 1) await post(IN_PATH, { body: "{" });
    expect(await events()).toHaveLength(3);
  });

  it("once, when many had a wrong one", async () => {
    for (let n = 0; n < FAILURES_MAX + 5; n += 1) await post(`${PATH}/wrong-${n}`);
    expect(await events()).toMatchObject([{ details: { code: "wrong_secret" } }]);
  });

  it("that shows no secret, right or wrong, wherever it was", async () => {
    const bodies = [
      `{"secret": ${JSON.stringify(SECRET)}, `,
      `{"a": "${SECRET.replaceAll(/./g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`)}"}`,
      { symbol: SECRET, message: SECRET, time: SECRET, [SECRET]: SECRET },
      { ...ALERT, message: { [SECRET]: SECRET } },
      encodeURIComponent(SECRET),
    ];
    const answers = [];
    for (const body of bodies) answers.push(await post(IN_PATH, { body }));
    answers.push(await post(PATH, { body: { ...ALERT, secret: "the-old-one" } }));
    expect(answers.map(({ status }) => status)).toEqual([400, 422, 422, 422, 400, 401]);
    const all = await events();
    expect(all).toHaveLength(bodies.length + 1);
    const shown = [JSON.stringify(all), logLines.join("\n"), ...answers.map(({ text }) => text)].join("\n");
    expectNoSecretIn(shown);
    expect(shown).not.toContain("the-old-one");
  });
});
