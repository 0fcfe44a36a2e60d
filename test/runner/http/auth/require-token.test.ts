import { afterEach, expect, test, vi } from "vitest";
import { FAILURES_MAX } from "../../../../runner/http/auth/failed-auth-limit.ts";
import { TOKEN, useHttpApp } from "../http-fixture.ts";

const http = useHttpApp({ settings: { TRUSTED_PROXIES: "192.0.2.0/24" } });

afterEach(() => {
  vi.useRealTimers();
});

/** Sends a request with only these headers. */
async function send(path: string, headers: Record<string, string> = {}, method = "GET") {
  const response = await http.app.request(path, { method, headers });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});

const WITHOUT_THE_TOKEN: Record<string, Record<string, string>> = {
  nothing: {},
  "another token": { authorization: `Bearer ${TOKEN}x` },
  "the beginning of the token": { authorization: `Bearer ${TOKEN.slice(0, -1)}` },
  "an empty token": { authorization: "Bearer " },
  "the token alone": { authorization: TOKEN },
  "another scheme": { authorization: `Token ${TOKEN}` },
  "the token as a password": basic("ann", TOKEN),
};

test("a request without the token is refused, and the answer says what is expected", async () => {
  for (const [what, headers] of Object.entries(WITHOUT_THE_TOKEN)) {
    const { status, headers: answered, text } = await send("/nothing-here", headers);
    expect({ what, status, scheme: answered.get("www-authenticate") }).toEqual({
      what,
      status: 401,
      scheme: 'Bearer realm="signal router"',
    });
    expect(answered.get("content-type")).toBe("application/problem+json");
    expect(JSON.parse(text)).toMatchObject({
      code: "unauthorized",
      hint: expect.stringContaining("HTTP_TOKEN"),
    });
    expect(text).not.toContain(TOKEN);
  }
});

test("the token is accepted, whatever the case of the scheme", async () => {
  const statuses = [];
  for (const scheme of ["Bearer", "bearer", "BEARER"])
    statuses.push((await send("/nothing-here", { authorization: `${scheme} ${TOKEN}` })).status);
  expect(statuses).toEqual([404, 404, 404]);
});

/** Whether the token is accepted as a password. */
const FOR_BROWSERS: readonly (readonly [request: string, isAccepted: boolean])[] = [
  ["GET /docs", true],
  ["GET /docs/swagger-ui.css", true],
  ["HEAD /docs", true],
  ["GET /openapi.json", true],
  ["POST /docs", false],
  ["POST /openapi.json", false],
  ["GET /docsx", false],
  ["GET /docs/../dead-letters", false],
  ["GET /docs/%2e%2e/dead-letters", false],
  ["GET /dead-letters", false],
  ["POST /pause", false],
];

test("the token as a password gives access to the documentation, and nothing else", async () => {
  for (const [request, isAccepted] of FOR_BROWSERS) {
    const [method = "", path = ""] = request.split(" ");
    const right = await send(path, basic("any user", TOKEN), method);
    expect([request, right.status !== 401]).toEqual([request, isAccepted]);
    const wrong = await send(path, basic("any user", "wrong"), method);
    const scheme = wrong.headers.get("www-authenticate")?.split(" ")[0];
    expect([request, wrong.status, scheme]).toEqual([request, 401, isAccepted ? "Basic" : "Bearer"]);
  }
});

const from = (address: string) => ({ "x-forwarded-for": address });

test("only an address that fails too often has to wait, and requests with the token from there are accepted", async () => {
  const bad = from("198.51.100.1");
  for (let n = 0; n < FAILURES_MAX; n += 1) expect((await send("/pause", bad, "POST")).status).toBe(401);
  const limited = await send("/pause", bad, "POST");
  expect(limited.status).toBe(429);
  expect(JSON.parse(limited.text)).toMatchObject({ code: "too_many_failures", status: 429 });
  expect(Number(limited.headers.get("retry-after"))).toBeGreaterThan(0);
  expect((await send("/pause", from("198.51.100.2"), "POST")).status).toBe(401);
  for (let n = 0; n <= FAILURES_MAX; n += 1)
    expect((await send("/nothing", { ...bad, authorization: `Bearer ${TOKEN}` })).status).toBe(404);
});

test("requests with the token are not counted", async () => {
  const same = from("198.51.100.1");
  for (let n = 0; n <= FAILURES_MAX; n += 1)
    await send("/nothing", { ...same, authorization: `Bearer ${TOKEN}` });
  expect((await send("/nothing", same)).status).toBe(401);
});

test("after a minute the address may try again", async () => {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
  for (let n = 0; n <= FAILURES_MAX; n += 1) await send("/nothing");
  expect((await send("/nothing")).status).toBe(429);
  vi.advanceTimersByTime(60_000);
  expect((await send("/nothing")).status).toBe(401);
});

test("the addresses of one IPv6 subscriber are counted together", async () => {
  for (let n = 0; n < FAILURES_MAX; n += 1) await send("/nothing", from(`2001:db8:1:2::${n.toString(16)}`));
  expect((await send("/nothing", from("2001:db8:1:2:ffff::1"))).status).toBe(429);
  expect((await send("/nothing", from("2001:db8:1:3::1"))).status).toBe(401);
});
