import { expect, test } from "vitest";
import { makeCurrentOn } from "../../../../runner/http/reference/currency.ts";
import { useHttpApp } from "../http-fixture.ts";
import { callWithoutPostgres } from "../without-postgres.ts";

const http = useHttpApp();

const AGREED = "?agree=true&by=ann";
const strategies = async () => (await http.call("GET", "/reference/document")).body.strategies;

test("a document is read, replaced, previewed and taken back; the router has it with the answer", async () => {
  const read = await http.call("GET", "/reference/document");
  const etag = read.headers.get("etag") ?? "";
  expect(read).toMatchObject({ status: 200, body: { strategies: [{ name: "strategy 10" }] } });
  expect(etag).toMatch(/^"[0-9a-f]{32}"$/);
  const yaml = await http.call("GET", "/reference/document", undefined, { accept: "application/yaml" });
  expect(yaml.headers.get("content-type")).toMatch(/^application\/yaml/);

  const document = {
    ...read.body,
    strategies: [...read.body.strategies, { name: "Näme/2 ü", signals: ["signal 1"], handler: "nothing" }],
  };
  const put = async (query: string, headers: Record<string, string>) =>
    http.call("PUT", `/reference/document${query}`, document, headers);
  expect(await put("", {})).toMatchObject({ status: 428, body: { code: "precondition_required" } });
  expect(await put("", { "if-match": etag })).toMatchObject({
    status: 409,
    body: {
      code: "to_agree",
      hint: expect.stringContaining("agree=true"),
      issues: expect.arrayContaining([
        { path: "will_trade_more", message: "strategy Näme/2 ü (11) would trade: it is new" },
      ]),
    },
  });
  const preview = await put("?dryRun=true", { "if-match": etag });
  expect(preview).toMatchObject({ status: 200, body: { status: "previewed", change: null, current: null } });
  const done = await put(AGREED, { "if-match": etag });
  expect(done).toMatchObject({
    status: 200,
    body: {
      status: "done",
      // No router reads signals in this test.
      current: false,
      version: preview.body.version,
      changes: ["strategy Näme/2 ü (11): added"],
      warnings: [
        expect.stringMatching(/no router is running/),
        expect.stringMatching(/Näme\/2 ü \(11\) cannot be run: .*handler/),
      ],
    },
  });
  expect((await http.call("GET", "/reference?content=false")).body.version).toBe(done.body.version);
  expect(await put(AGREED, { "if-match": etag })).toMatchObject({
    status: 409,
    body: {
      code: "reference_changed",
      issues: [
        { path: "warnings", message: expect.stringMatching(/^changed meanwhile by ann/) },
        { path: "warnings", message: expect.anything() },
      ],
    },
  });

  const { body } = await http.call("GET", "/reference/changes?limit=1");
  expect(body).toMatchObject({ changes: [{ id: 2, by: "ann", kind: "apply" }], next: 2 });
  const shown = await http.call("GET", "/reference/changes/2");
  expect(shown.body).toMatchObject({ changes: done.body.changes, document: { strategies: [{}, {}] } });
  const since = async (id: number, other: number) =>
    http.call("GET", `/reference/changes/${id}?since=${other}`);
  expect((await since(2, 1)).body.changes).toEqual(done.body.changes);
  expect((await since(1, 2)).body.changes).toEqual(["strategy Näme/2 ü (11): removed"]);
  expect(await since(2, 99)).toMatchObject({ status: 404, body: { detail: "there is no change 99" } });
  expect((await http.call("GET", "/reference/changes/99")).status).toBe(404);
  const back = await http.call("POST", "/reference/rollback?change=1");
  expect(back).toMatchObject({ status: 409, body: { code: "to_agree" } });
  expect(await http.call("POST", `/reference/rollback${AGREED}&change=1`)).toMatchObject({
    status: 200,
    body: { status: "done", current: false },
  });
  expect(await strategies()).toEqual(read.body.strategies);
});

test("rows are added, changed, renamed and removed by their encoded names", async () => {
  const at = (name: string) => `/reference/strategies/${encodeURIComponent(name)}`;
  const off = { name: "a/b %?", signals: ["signal 1"], enabled: false };
  expect(await http.call("POST", "/reference/strategies", off)).toMatchObject({ status: 200 });
  expect(await http.call("POST", "/reference/strategies", off)).toMatchObject({
    status: 409,
    body: { code: "exists" },
  });
  const renamed = await http.call("PATCH", at("a/b %?"), { name: "ü" });
  expect(renamed.body.changes).toEqual(["strategy ü (11): renamed from a/b %?"]);
  expect(await http.call("PATCH", at("ü"), { enabled: true })).toMatchObject({ body: { code: "to_agree" } });
  const wrong = await http.call("PATCH", at("ü"), { signals: ["none"], enabledd: true });
  expect(wrong).toMatchObject({
    status: 422,
    body: { code: "reference_refused", issues: [{ path: "enabledd" }, { path: "signals[0]" }] },
  });
  expect(await http.call("PATCH", at("strategy 1"), { enabled: true })).toMatchObject({
    status: 404,
    body: { detail: "there is no strategy strategy 1: did you mean strategy 10?" },
  });

  const alias = await http.call("POST", "/reference/aliases", { alias: "BTCUSDT.P", symbol: "BTCUSDT" });
  expect(alias.body.issues).toEqual([
    { path: "alias", message: expect.stringMatching(/means ticker BTCUSDT/) },
  ]);

  await http.call("PATCH", `/reference/signals/signal%201${AGREED}`, { name: "first" });
  expect((await strategies()).map(({ signals }: { signals: string[] }) => signals)).toEqual([
    ["first"],
    ["first"],
  ]);
  await http.sql("UPDATE signals SET source = 'by SQL'");
  const removed = await http.call("DELETE", `/reference/signals/first${AGREED}`);
  expect(removed).toMatchObject({ status: 200, body: { will_remove: ["signal first (1)"], current: false } });

  const { redis, keys } = http.services;
  const stream = keys.stream("strategy_input_stream");
  await redis.xgroup("CREATE", stream, "strategy_executor", "0", "MKSTREAM");
  await redis.xadd(stream, "*", "strategy_id", "11");
  await redis.xreadgroup("GROUP", "strategy_executor", "one", "STREAMS", stream, ">");
  await redis.hset(keys.control, "11", "{}");
  expect(await http.call("DELETE", `${at("ü")}${AGREED}`)).toMatchObject({
    status: 422,
    body: { issues: [{ message: expect.stringMatching(/strategy ü \(11\) has a task in flight/) }] },
  });
  await redis.xtrim(stream, "MAXLEN", 0);
  await redis.xgroup("DESTROY", stream, "strategy_executor");
  expect(await http.call("DELETE", at("ü"))).toMatchObject({
    status: 409,
    body: {
      issues: expect.arrayContaining([
        { path: "will_remove", message: expect.stringMatching(/^strategy ü \(11\): it is paused/) },
      ]),
    },
  });
  expect((await http.call("DELETE", `${at("ü")}${AGREED}`)).status).toBe(200);
  expect(await strategies()).toHaveLength(1);
  const kinds = await http.sql("SELECT kind FROM reference_changes ORDER BY id");
  expect(kinds.map(({ kind }) => kind)).toEqual(["seen", "edit", "edit", "edit", "seen", "edit", "edit"]);
});

test("what another refresh has published first is current as well", async () => {
  const result = await http.services.refresh();
  const refused = { ...http.services, refresh: async () => ({ ...result, state: "refused" as const }) };
  const edited = (version: string) => makeCurrentOn(refused)({ status: "done", version });
  expect((await edited(result.version)).warnings).toEqual([expect.stringMatching(/^no router is running/)]);
  expect((await edited("other")).warnings).toEqual([expect.stringMatching(/was read \(refused\)$/)]);
});

test("every fault of a document is answered with its place, and without Postgres it is 503", async () => {
  const document = { tickers: [{ symbol: 1 }], signals: [], strategies: [{ name: "x", handlr: "log" }] };
  const { status, body } = await http.call("PUT", "/reference/document", document, { "if-match": "*" });
  expect({ status, body }).toMatchObject({ status: 422, body: { code: "reference_refused" } });
  expect(body.issues.length).toBeGreaterThan(1);
  for (const issue of body.issues) expect(issue).toMatchObject({ line: 1, column: expect.any(Number) });
  const schema = await http.call("GET", "/reference/schema");
  expect(schema.headers.get("content-type")).toMatch(/^application\/schema\+json/);
  expect(JSON.parse(schema.body)).toHaveProperty("properties.strategies");
  expect(await callWithoutPostgres(http, "GET", "/reference/document")).toMatchObject({
    status: 503,
    body: { code: "postgres_unavailable" },
  });
});

test("aliases and sources are edited as the others are, and alone where the reference is another system's", async () => {
  const read = await http.call("GET", "/reference/document");
  const [{ symbol }] = read.body.tickers;
  const alias = { alias: "A/B", symbol };
  expect(await http.call("POST", "/reference/aliases", alias)).toMatchObject({
    status: 409,
    body: {
      code: "to_agree",
      issues: expect.arrayContaining([expect.objectContaining({ path: "will_trade_more" })]),
    },
  });
  await http.sql("INSERT INTO signal_router_migrations (name, run_on) VALUES ('reference none', now())");
  try {
    const own = await http.call("GET", "/reference/document");
    expect(own.body).toEqual({ $schema: expect.anything(), aliases: [], sources: [] });
    expect(await http.call("PUT", "/reference/document", read.body, { "if-match": "*" })).toMatchObject({
      status: 409,
      body: { code: "reference_not_own" },
    });
    const added = await http.call("POST", `/reference/aliases${AGREED}`, alias);
    expect(added).toMatchObject({ status: 200, body: { changes: [`alias A/B of ticker ${symbol}: added`] } });
    const source = { name: "desk", template: { symbol: "{{s}}", message: "{{m}", time: "{{t}}" } };
    expect(await http.call("POST", `/reference/sources${AGREED}`, source)).toMatchObject({
      status: 422,
      body: { issues: [{ path: "template.message" }] },
    });
    const change = `/reference/changes/${added.body.change}`;
    expect((await http.call("GET", change)).body.document).toMatchObject({ aliases: [alias], sources: [] });
    const gone = await http.call("DELETE", `/reference/aliases/A%2FB${AGREED}`);
    expect(gone).toMatchObject({ status: 200, body: { will_remove: [`alias A/B of ticker ${symbol}`] } });
    for (const [method, path] of [
      ["POST", "/reference/tickers"],
      ["DELETE", `/reference/tickers/${symbol}`],
    ] as const)
      expect(await http.call(method, path, method === "POST" ? { symbol: "NEW" } : undefined)).toMatchObject({
        status: 409,
        body: { code: "reference_not_own" },
      });
  } finally {
    await http.sql("DELETE FROM signal_router_migrations WHERE name = 'reference none'");
  }
});
