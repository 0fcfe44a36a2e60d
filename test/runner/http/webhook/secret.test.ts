import { describe, expect, it } from "vitest";
import { FAILURES_MAX } from "../../../../runner/http/auth/failed-auth-limit.ts";
import { TOKEN, useHttpApp } from "../http-fixture.ts";
import { ALERT, expectNoSecretIn, IN_PATH, PATH, SECRET, useWebhook, type Post } from "./webhook-fixture.ts";

const { http, logLines, post } = useWebhook();

describe("the secret", () => {
  it("is accepted in each place, and stored nowhere", async () => {
    const places: [string, string, Post][] = [
      ["in the path", IN_PATH, {}],
      ["as a bearer token", PATH, { headers: { authorization: `Bearer ${SECRET}` } }],
      ["in its own header", PATH, { headers: { "x-webhook-secret": SECRET } }],
      ["in the body", PATH, { body: { ...ALERT, secret: SECRET } }],
      [
        "in the path, with a proxy's own credentials",
        IN_PATH,
        { headers: { authorization: "Bearer other" } },
      ],
      ["in the path and the body", IN_PATH, { body: { ...ALERT, secret: SECRET } }],
    ];
    for (const [where, path, request] of places) {
      const { status, text } = await post(path, request);
      expect([where, status]).toEqual([where, 202]);
      expectNoSecretIn(text);
    }
    const fields = { ...ALERT, source: "tradingview", received_at: expect.any(String) };
    expect(await http.fieldsIn("signals_stream")).toEqual(places.map(() => fields));
    expectNoSecretIn(logLines.join("\n"));
  });

  it("is removed from every other place in the alert", async () => {
    await post(IN_PATH, { body: { ...ALERT, note: `by ${SECRET}`, deep: [{ a: SECRET }], [SECRET]: 1 } });
    expect(await http.fieldsIn("signals_stream")).toMatchObject([
      { note: "by ***", deep: '[{"a":"***"}]', "***": "1" },
    ]);
  });

  it("that is missing or wrong is refused, whatever else is right", async () => {
    const requests: [string, string, Post, string][] = [
      ["is missing", PATH, {}, "missing_secret"],
      ["is missing in a body that is not JSON", PATH, { body: "{" }, "missing_secret"],
      ["is wrong in the path", `${PATH}/wrong`, {}, "wrong_secret"],
      [
        "is wrong in the path, with the right one in the body",
        `${PATH}/wrong`,
        { body: { secret: SECRET } },
        "wrong_secret",
      ],
      ["is wrong as a bearer token", PATH, { headers: { authorization: "Bearer wrong" } }, "wrong_secret"],
      ["is wrong in its header", PATH, { headers: { "x-webhook-secret": "" } }, "wrong_secret"],
      ["is wrong in the body", PATH, { body: { ...ALERT, secret: "wrong" } }, "wrong_secret"],
      ["is not a text in the body", PATH, { body: { ...ALERT, secret: [SECRET] } }, "wrong_secret"],
      [
        "is the token of everything else",
        PATH,
        { headers: { authorization: `Bearer ${TOKEN}` } },
        "wrong_secret",
      ],
    ];
    for (const [what, path, request, code] of requests) {
      const { status, body, headers } = await post(path, request);
      expect({ what, status, code: body.code }).toEqual({ what, status: 401, code });
      expect(headers.get("www-authenticate")).toContain("Bearer");
    }
    expect(await http.fieldsIn("signals_stream")).toEqual([]);
  });

  it("is checked first: with a wrong one the body is not read", async () => {
    const body = new ReadableStream(
      {
        pull() {
          throw new Error("read");
        },
      },
      { highWaterMark: 0 },
    );
    expect((await post(`${PATH}/wrong`, { body })).body.code).toBe("wrong_secret");
  });

  it("that is right is always accepted, also from an address that failed too often", async () => {
    for (let n = 0; n < FAILURES_MAX; n += 1) expect((await post(`${PATH}/wrong`)).status).toBe(401);
    const locked = await post(PATH);
    expect({ status: locked.status, code: locked.body.code }).toEqual({
      status: 429,
      code: "too_many_failures",
    });
    expect(Number(locked.headers.get("retry-after"))).toBeGreaterThan(0);
    const requests: [string, Post][] = [
      [IN_PATH, {}],
      [PATH, { headers: { "x-webhook-secret": SECRET } }],
      [PATH, { body: { ...ALERT, secret: SECRET } }],
    ];
    for (let n = 0; n <= FAILURES_MAX; n += 1) {
      for (const request of requests) expect((await post(...request)).status).toBe(202);
    }
    expect((await post(PATH)).status).toBe(429);
    // Counted in the process, so that a flood costs Redis next to nothing.
    const { redis, keys, counters } = http.services;
    expect(await redis.exists(keys.metrics)).toBe(0);
    await counters.flush();
    expect(await redis.hgetall(keys.metrics)).toEqual({
      "alerts_refused:wrong_secret": String(FAILURES_MAX),
      "alerts_refused:too_many_failures": "2",
    });
  });
});

describe("with an allow list", () => {
  const listed = useHttpApp({
    settings: {
      WEBHOOK_SECRET: SECRET,
      WEBHOOK_ALLOW_CIDRS: "52.89.214.238, 2001:db8::/32",
      TRUSTED_PROXIES: "192.0.2.1",
    },
  });
  const statusFrom = async (forwardedFor: string, path = IN_PATH) => {
    const headers = { "x-forwarded-for": forwardedFor };
    const answer = await listed.app.request(path, { method: "POST", headers, body: JSON.stringify(ALERT) });
    return answer.status;
  };

  it("the right secret is accepted only from the addresses on it", async () => {
    expect(await statusFrom("52.89.214.238")).toBe(202);
    expect(await statusFrom("::ffff:52.89.214.238")).toBe(202);
    expect(await statusFrom("2001:db8::1")).toBe(202);
    expect(await statusFrom("52.89.214.239")).toBe(403);
    expect(await statusFrom("52.89.214.238, 52.89.214.239")).toBe(403);
    expect(await statusFrom("nonsense")).toBe(403);
  });

  it("a wrong secret is refused as wrong, from any address", async () => {
    expect(await statusFrom("52.89.214.239", `${PATH}/wrong`)).toBe(401);
    expect(await statusFrom("52.89.214.238", `${PATH}/wrong`)).toBe(401);
  });
});
