import { describe, expect, it } from "vitest";
import { entriesIn } from "../../../servers/redis-contents.ts";
import { useHttpApp } from "../http-fixture.ts";
import { ALERT, IN_PATH, PATH, useWebhook } from "./webhook-fixture.ts";

const { http, post } = useWebhook();

describe("an alert", () => {
  it("becomes an entry, in TradingView's own form: JSON sent as text, with a newline after it", async () => {
    const { redis, keys } = http.services;
    const { status, body } = await post(IN_PATH, {
      body: `${JSON.stringify(ALERT)}\n`,
      headers: { "content-type": "text/plain; charset=utf-8" },
    });
    const entries = await entriesIn(redis, keys.stream("signals_stream"));
    const receivedAt = entries[0]?.fields["received_at"];
    expect(entries).toEqual([
      { id: body.entry_id, fields: { ...ALERT, source: "tradingview", received_at: receivedAt } },
    ]);
    expect(new Date(receivedAt ?? "").toISOString()).toBe(receivedAt);
    expect({ status, body }).toEqual({
      status: 202,
      body: { entry_id: body.entry_id, uid: expect.stringMatching(/^[0-9a-f]{32}$/) },
    });
  });

  it("is read as JSON whatever its content type, after a byte order mark too", async () => {
    const types = [undefined, "application/json", "text/html", "multipart/form-data", "not a content type"];
    const bytes = new TextEncoder().encode(`\uFEFF${JSON.stringify(ALERT)}`);
    for (const type of types) {
      const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
      const { status } = await post(IN_PATH, { body: bytes, headers });
      expect([type, status]).toEqual([type, 202]);
    }
    expect(await http.fieldsIn("signals_stream")).toMatchObject(types.map(() => ALERT));
  });

  it("sent four times is four entries, with one uid", async () => {
    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push(await post(IN_PATH));
    expect(new Set(answers.map(({ body }) => body.entry_id)).size).toBe(4);
    expect(new Set(answers.map(({ body }) => body.uid)).size).toBe(1);
    expect(await http.fieldsIn("signals_stream")).toHaveLength(4);
  });

  it("is accepted among sixty at once", async () => {
    const symbols = Array.from({ length: 60 }, (_, n) => `COIN${n}`);
    const answers = await Promise.all(
      symbols.map(async (symbol) => post(IN_PATH, { body: { ...ALERT, symbol } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(symbols.map(() => 202));
    expect(new Set((await http.fieldsIn("signals_stream")).map(({ symbol }) => symbol))).toEqual(
      new Set(symbols),
    );
    expect(await http.fieldsIn("signals_stream")).toHaveLength(60);
  });

  it("may arrive in pieces", async () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...ALERT, note: "ä€😀" }));
    const body = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect((await post(IN_PATH, { body })).status).toBe(202);
    expect(await http.fieldsIn("signals_stream")).toMatchObject([{ note: "ä€😀" }]);
  });
});

describe("without WEBHOOK_SECRET", () => {
  const bare = useHttpApp();

  it("there is no webhook", async () => {
    expect((await bare.app.request(PATH, { method: "POST", body: "{}" })).status).toBe(401);
    expect((await bare.call("POST", PATH, {})).status).toBe(404);
  });
});
