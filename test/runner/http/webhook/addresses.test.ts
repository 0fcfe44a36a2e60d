import { describe, expect, it } from "vitest";
import { FAILURES_MAX } from "../../../../runner/http/auth/failed-auth-limit.ts";
import { ALERT, expectNoSecretIn, IN_PATH, PATH, SECRET, useWebhook } from "./webhook-fixture.ts";

const { http, logLines, post, events } = useWebhook();
const ENCODED = encodeURIComponent(SECRET);

async function request(method: string, path: string) {
  const hasBody = method !== "GET" && method !== "HEAD";
  const answer = await http.app.request(path, { method, body: hasBody ? JSON.stringify(ALERT) : null });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

describe("the webhook's address", () => {
  it("may end with a slash", async () => {
    expect((await post(`${IN_PATH}/`)).status).toBe(202);
    expect((await post(`${PATH}/`, { headers: { "x-webhook-secret": SECRET } })).status).toBe(202);
    expect(await http.fieldsIn("signals_stream")).toHaveLength(2);
  });

  it("written in another way is refused as an alert, with what is expected and without the secret", async () => {
    const paths = [
      `/${IN_PATH}`,
      `/webhooks//tradingview/${ENCODED}`,
      `${PATH}//${ENCODED}`,
      `${IN_PATH}//`,
      `/Webhooks/TradingView/${ENCODED}`,
      `/WEBHOOKS/TRADINGVIEW/${ENCODED}`,
      `${IN_PATH}/more`,
      `/webhook/tradingview/${ENCODED}`,
      `/${ENCODED}`,
    ];
    const answers = [];
    for (const path of paths) answers.push(await post(path));
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      paths.map(() => [404, "no_such_route"]),
    );
    for (const { body } of answers) expect(body.detail).toContain(`${PATH}/<WEBHOOK_SECRET>`);
    const published = await events();
    expect(published.map(({ details }) => details.code)).toEqual(paths.map(() => "no_such_route"));
    expectNoSecretIn(...answers.map(({ text }) => text), JSON.stringify(published), logLines.join("\n"));
    await http.services.counters.flush();
    const { redis, keys } = http.services;
    expect(await redis.hgetall(keys.metrics)).toEqual({
      "alerts_refused:no_such_route": String(paths.length),
    });
    expect(await http.fieldsIn("signals_stream")).toEqual([]);
  });

  it("accepts no method but POST, which is an event too", async () => {
    for (const method of ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
      const { status, headers, text } = await request(method, IN_PATH);
      expect([method, status, headers.get("allow")]).toEqual([method, 405, "POST"]);
      if (method !== "HEAD") expect(text).toContain(`does not accept ${method}, only POST`);
      expectNoSecretIn(text);
    }
    const published = await events();
    expect(published.map(({ details }) => details.code)).toEqual(
      Array.from({ length: 6 }, () => "method_not_allowed"),
    );
    expectNoSecretIn(JSON.stringify(published), logLines.join("\n"));
  });

  it("requested wrongly without the secret is one event, and counts as a failure of its address", async () => {
    const statuses = [];
    for (let n = 0; n <= FAILURES_MAX; n += 1) statuses.push((await request("GET", `${PATH}/x`)).status);
    expect(statuses.slice(-2)).toEqual([405, 429]);
    expect(await events()).toHaveLength(1);
  });

  it("is not like every other path", async () => {
    expect((await post("/pause")).status).toBe(401);
    expect((await post("/webhook")).status).toBe(401);
    expect(await events()).toEqual([]);
  });
});

describe("an encoded body", () => {
  it("is refused with its encoding, and is an event", async () => {
    const secretInHeader = { "x-webhook-secret": SECRET };
    for (const [encoding, named] of [
      ["gzip", "gzip"],
      ["br, GZIP", "br, gzip"],
      [SECRET, "an unknown encoding"],
    ] as const) {
      const { status, body, headers } = await post(PATH, {
        headers: { ...secretInHeader, "content-encoding": encoding },
      });
      expect([status, body.code]).toEqual([415, "unsupported_encoding"]);
      expect(body.detail).toContain(`(Content-Encoding: ${named})`);
      expect(headers.get("accept-encoding")).toBe("identity");
    }
    const unknown = await post(PATH, { headers: { "content-encoding": "zstd" } });
    expect(unknown).toMatchObject({ status: 415, body: { code: "unsupported_encoding" } });
    const published = await events();
    expect(published.map(({ details }) => details.code)).toEqual(
      Array.from({ length: 4 }, () => "unsupported_encoding"),
    );
    expectNoSecretIn(JSON.stringify(published));
    const plain = { headers: { "content-encoding": "identity" } };
    expect((await post(IN_PATH, plain)).status).toBe(202);
  });

  it("is refused by every other route too", async () => {
    const headers = { "content-encoding": "gzip" };
    const answer = await http.call("POST", "/pause", { strategy: 1 }, headers);
    expect(answer).toMatchObject({ status: 415, body: { code: "unsupported_encoding" } });
    expect(answer.body.detail).toContain("gzip");
  });
});
