import { beforeEach, describe, expect, it } from "vitest";
import { FAILURES_MAX } from "../../../../runner/http/auth/failed-auth-limit.ts";
import { entriesIn, fieldsIn } from "../../../servers/redis-contents.ts";
import { TOKEN, useHttpApp } from "../http-fixture.ts";

const SECRET = 's3cret-"\\/%+value';
const IN_PATH = `/webhooks/tradingview/${encodeURIComponent(SECRET)}`;
const PATH = "/webhooks/tradingview";
const ALERT = { message: "EMA_CROSS_LONG", symbol: "BTCUSDT.P", time: "2026-01-05T10:00:00Z" };
const BYTES_MAX = 4_096;

const logLines: string[] = [];
const http = useHttpApp({
  settings: {
    WEBHOOK_SECRET: SECRET,
    HTTP_BODY_BYTES_MAX: String(BYTES_MAX),
    TRUSTED_PROXIES: "192.0.2.1",
  },
  logLines,
});

beforeEach(() => {
  logLines.length = 0;
});

interface Post {
  readonly body?: RequestInit["body"] | object;
  readonly headers?: Record<string, string>;
}

/** Posts a body, an object as its JSON, without a token. */
async function post(path: string, { body = ALERT, headers = {} }: Post = {}) {
  const isPlain = typeof body === "string" || body instanceof ReadableStream || body instanceof Uint8Array;
  const sent = isPlain ? body : JSON.stringify(body);
  const init: RequestInit = { method: "POST", headers, body: sent, duplex: "half" };
  const response = await http.app.request(path, init);
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) };
}

const published = async () => {
  const { redis, keys } = http.services;
  return fieldsIn(redis, keys.stream("signals_stream"));
};

/** The webhook's events, oldest first. */
async function events() {
  const { redis, keys, events: log } = http.services;
  await log.flush(5_000);
  const all = await fieldsIn(redis, keys.stream("system_events"));
  return all
    .filter(({ source }) => source === "webhook")
    .map(({ level, message, details = "" }) => ({ level, message, details: JSON.parse(details) }));
}

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

  it("is read as JSON whatever the content type says, after a byte order mark too", async () => {
    const types = [undefined, "application/json", "text/html", "multipart/form-data", "not a content type"];
    const bytes = new TextEncoder().encode(`\uFEFF${JSON.stringify(ALERT)}`);
    for (const type of types) {
      const headers: Record<string, string> = type === undefined ? {} : { "content-type": type };
      const { status } = await post(IN_PATH, { body: bytes, headers });
      expect([type, status]).toEqual([type, 202]);
    }
    expect(await published()).toMatchObject(types.map(() => ALERT));
  });

  it("sent four times is four entries, with one uid", async () => {
    const answers = [];
    for (let n = 0; n < 4; n += 1) answers.push(await post(IN_PATH));
    expect(new Set(answers.map(({ body }) => body.entry_id)).size).toBe(4);
    expect(new Set(answers.map(({ body }) => body.uid)).size).toBe(1);
    expect(await published()).toHaveLength(4);
  });

  it("is taken among sixty at once", async () => {
    const symbols = Array.from({ length: 60 }, (_, n) => `COIN${n}`);
    const answers = await Promise.all(
      symbols.map(async (symbol) => post(IN_PATH, { body: { ...ALERT, symbol } })),
    );
    expect(answers.map(({ status }) => status)).toEqual(symbols.map(() => 202));
    expect(new Set((await published()).map(({ symbol }) => symbol))).toEqual(new Set(symbols));
    expect(await published()).toHaveLength(60);
  });

  it("may come in pieces", async () => {
    const bytes = new TextEncoder().encode(JSON.stringify({ ...ALERT, note: "ä€😀" }));
    const body = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    expect((await post(IN_PATH, { body })).status).toBe(202);
    expect(await published()).toMatchObject([{ note: "ä€😀" }]);
  });
});

describe("the secret", () => {
  it("is accepted in each place for it, and kept nowhere", async () => {
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
    expect(await published()).toEqual(places.map(() => fields));
    expectNoSecretIn(logLines.join("\n"));
  });

  it("is not kept where else it stands in the alert", async () => {
    await post(IN_PATH, { body: { ...ALERT, note: `by ${SECRET}`, deep: [{ a: SECRET }], [SECRET]: 1 } });
    expect(await published()).toMatchObject([{ note: "by ***", deep: '[{"a":"***"}]', "***": "1" }]);
  });

  it("that is missing or wrong is refused, whatever else is right", async () => {
    const requests: [string, string, Post, string][] = [
      ["is missing", PATH, {}, "missing_secret"],
      ["is missing in a body that is no JSON", PATH, { body: "{" }, "missing_secret"],
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
      ["is no text in the body", PATH, { body: { ...ALERT, secret: [SECRET] } }, "wrong_secret"],
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
    expect(await published()).toEqual([]);
  });

  it("is looked at before the body: with a wrong one the body is not even read", async () => {
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

  it("that is right is taken from an address that is locked out, as often as it comes", async () => {
    for (let n = 0; n < FAILURES_MAX; n += 1) expect((await post(`${PATH}/wrong`)).status).toBe(401);
    const locked = await post(PATH);
    expect({ status: locked.status, code: locked.body.code }).toEqual({
      status: 429,
      code: "too_many_failures",
    });
    expect(Number(locked.headers.get("retry-after"))).toBeGreaterThan(0);
    const ways: [string, Post][] = [
      [IN_PATH, {}],
      [PATH, { headers: { "x-webhook-secret": SECRET } }],
      [PATH, { body: { ...ALERT, secret: SECRET } }],
    ];
    for (let n = 0; n <= FAILURES_MAX; n += 1) {
      for (const way of ways) expect((await post(...way)).status).toBe(202);
    }
    expect((await post(PATH)).status).toBe(429);
  });
});

describe("what can never be a signal", () => {
  it("is answered 400 when it is not the JSON of an object", async () => {
    for (const body of ["", "{", "null", "[]", '"text"', "message=EMA_CROSS_LONG", "EMA_CROSS_LONG"]) {
      const { status, body: answer } = await post(IN_PATH, { body });
      expect([body, status, answer.code]).toEqual([body, 400, "not_a_json_object"]);
    }
  });

  it("is answered 422 with everything that is wrong with it", async () => {
    const { status, body } = await post(IN_PATH, { body: { message: ["x"], time: "{{time}}" } });
    expect({ status, code: body.code }).toEqual({ status: 422, code: "invalid_signal" });
    expect(body.issues.map(({ path }: { path: string }) => path)).toEqual(["message", "time", "symbol"]);
    expect(await published()).toEqual([]);
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

  it("is answered 408 when the rest of it does not come", async () => {
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

  it("is answered 400 when whoever sends it goes away", async () => {
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
      message: "alert refused with 422: this can never be a signal",
      details: { code: "invalid_signal", client: "192.0.2.1", issues: expect.arrayContaining([]) },
    });
    expect(event?.details.excerpt).toMatch(/^\{"symbol":"BTCUSDT","note":"\*{3}","long":"x+$/);
    expect(event?.details.excerpt).toHaveLength(300);
  });

  it("each time, when it came with the right secret", async () => {
    for (let n = 0; n < 3; n += 1) await post(IN_PATH, { body: "{" });
    expect(await events()).toHaveLength(3);
  });

  it("once, when many came without it", async () => {
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
    const said = [JSON.stringify(all), logLines.join("\n"), ...answers.map(({ text }) => text)].join("\n");
    expectNoSecretIn(said);
    expect(said).not.toContain("the-old-one");
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

  it("the right secret is taken from the addresses on it only", async () => {
    expect(await statusFrom("52.89.214.238")).toBe(202);
    expect(await statusFrom("::ffff:52.89.214.238")).toBe(202);
    expect(await statusFrom("2001:db8::1")).toBe(202);
    expect(await statusFrom("52.89.214.239")).toBe(403);
    expect(await statusFrom("52.89.214.238, 52.89.214.239")).toBe(403);
    expect(await statusFrom("nonsense")).toBe(403);
  });

  it("a wrong secret is refused as such, from wherever it comes", async () => {
    expect(await statusFrom("52.89.214.239", `${PATH}/wrong`)).toBe(401);
    expect(await statusFrom("52.89.214.238", `${PATH}/wrong`)).toBe(401);
  });
});

describe("without WEBHOOK_SECRET", () => {
  const bare = useHttpApp();

  it("there is no webhook", async () => {
    expect((await bare.app.request(PATH, { method: "POST", body: "{}" })).status).toBe(401);
    expect((await bare.call("POST", PATH, {})).status).toBe(404);
  });
});

it("the OpenAPI document has the webhook, open without the token", () => {
  const { paths } = http.app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "t", version: "1" } });
  for (const path of [PATH, `${PATH}/{secret}`]) {
    expect(paths?.[path]?.post).toMatchObject({
      security: [],
      description: expect.stringContaining("WEBHOOK_SECRET"),
    });
  }
});

function expectNoSecretIn(...texts: string[]): void {
  for (const text of texts) {
    for (const spelling of [
      SECRET,
      JSON.stringify(SECRET).slice(1, -1),
      encodeURIComponent(SECRET),
      "s3cret",
    ])
      expect(text).not.toContain(spelling);
  }
}
