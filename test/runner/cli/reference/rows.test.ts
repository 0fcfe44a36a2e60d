import { describe, expect, test } from "vitest";
import { Problem } from "../../../../runner/http/problem.ts";
import { DatabaseError } from "../../../../shared/io/postgres/database.ts";
import type { Change } from "../../../../shared/io/reference-edits/changes.ts";
import { ticker } from "../../../shared/reference-document/plan-fixture.ts";
import { documentFrom, ETAG, run } from "./commands-fixture.ts";

/** `cli reference add`, `set`, `remove`, `list`, and the history. */

const document = documentFrom(`
tickers: [{ symbol: BTCUSDT }, { symbol: ETHUSDT }]
signals: [{ name: EMA, long_phrase: UP }, { name: "突破", long_phrase: X }]
strategies:
  - { name: Trend, signals: [EMA], tickers: [BTCUSDT], enabled: false, signal_age_ms_max: 5 }
  - { name: Hook, handler: webhook, params: { url: "https://bot.example.com/hook/token-123", timeout_ms: 100 } }
  - { name: Bare, handler: webhook, params: { url: "https:bot.example.com/hook/token-123", note: a/b } }
`);
const [trend, hook, bare] = document.strategies;

const edited = async (...args: string[]) => {
  const ran = await run({ document }, ...args);
  return { ...ran, document: ran.edits[0]?.document };
};

describe("set", () => {
  test("changes what is given, and nothing else", async () => {
    const { document: after, edits } = await edited(
      "set",
      "strategy",
      "Trend",
      "enabled=true",
      "tickers+=ETHUSDT",
    );
    expect(edits).toMatchObject([{ kind: "edit", prune: false, by: "ada", ifMatch: ETAG }]);
    expect(after).toEqual({
      ...document,
      strategies: [{ ...trend, enabled: true, tickers: ["BTCUSDT", "ETHUSDT"] }, hook, bare],
    });
  });

  test.each([
    [["tickers=all"], { tickers: "all" }],
    [["tickers-=BTCUSDT"], { tickers: [] }],
    [["signals="], { signals: [] }],
    [["tickers="], { tickers: "all" }],
    [["tickers=[]"], { tickers: [] }],
    [['signals=["EMA"]'], { signals: ["EMA"] }],
    [["signal_age_ms_max=60000"], { signal_age_ms_max: 60_000 }],
    [["signal_age_ms_max="], { signal_age_ms_max: null }],
    [["params.a=0700", "params.b=5", "params.c=true"], { params: { a: "0700", b: 5, c: true } }],
    [['params={"a":{"b":1}}', "handler=none"], { params: { a: { b: 1 } }, handler: "none" }],
    [["params.big=9007199254740993"], { params: { big: "9007199254740993" } }],
  ])("%j", async (typed, changes) => {
    const { document: after } = await edited("set", "strategy", "Trend", ...typed);
    expect(after?.strategies[0]).toEqual({ ...trend, ...changes });
  });

  test("a param without a value is taken out", async () => {
    const { document: after } = await edited("set", "strategy", "Hook", "params.timeout_ms=");
    expect(after?.strategies[1]?.params).toEqual({ url: "https://bot.example.com/hook/token-123" });
  });

  test("another name renames, also where strategies list it", async () => {
    const { document: after } = await edited("set", "signal", "EMA", "name=EMA 2");
    expect(after?.signals[0]).toMatchObject({ name: "EMA 2", was: "EMA" });
    expect(after?.strategies[0]?.signals).toEqual(["EMA 2"]);
  });

  test.each([
    [["set", "strategy", "Trent", "enabled=true"], /no strategy Trent: did you mean Trend/],
    [["set", "strategy", "Trend", "enabeld=true"], /no field enabeld: did you mean enabled/],
    [["set", "strategy", "Trend", "enabled=yes"], /enabled: found "yes"; expected true or false/],
    [["set", "strategy", "Trend", "signals+=EMO"], /no signal "EMO" in this document: did you mean "EMA"/],
    [["set", "strategy", "Trend", "tickers-=XRPUSDT"], /XRPUSDT is not in tickers/],
    [["set", "strategy", "Hook", "tickers+=XRPUSDT"], /tickers is all, which is no list/],
    [["set", "strategy", "Trend", "enabled"], /expected field=value/],
    [["set", "strategy", "Hook", "params.timeout_ms+=100"], /whole value, params.timeout_ms=value/],
    [["add", "ticker", "btcusdt"], /there is a ticker btcusdt already: use set/],
    [["remove", "signal", "EMO", "--yes"], /no signal EMO: did you mean EMA/],
    [["list", "foo"], /Expected ticker, signal, strategy, alias or source/],
    [["show", "99"], /there is no change 99/],
  ])("%j is refused", async (args, message) => {
    expect(await edited(...args)).toMatchObject({ code: 1, edits: [], err: expect.stringMatching(message) });
  });
});

test.each([
  ["postgres_unavailable", [], /^whether anything was changed is not known, look at it/],
  ["postgres_unavailable", ["--dry-run"], /^nothing was changed: /],
  ["conflict", [], /^nothing was changed: /],
])("%s with %j: what is said of the edit is what is known", async (code, options, message) => {
  const answer = () => {
    if (code === "conflict") throw new Problem({ status: 503, code: "unavailable", detail: "locked" });
    throw new DatabaseError("Connection terminated", "unavailable", undefined);
  };
  const { err } = await run({ document, answer }, "set", "strategy", "Trend", "enabled=false", ...options);
  expect(err).toMatch(message);
});

test("add makes a row with defaults", async () => {
  const { document: after } = await edited("add", "ticker", "0700");
  expect(after?.tickers[2]).toEqual(ticker("0700"));
});

test("remove asks, and takes out one row", async () => {
  const answer = ({ dryRun }: { readonly dryRun: boolean }) =>
    ({
      status: dryRun ? "previewed" : "done",
      changeId: 1,
      version: "v",
      etag: "e",
      summary: { willTradeMore: [], willRemove: [], changes: [], warnings: [] },
    }) as const;
  expect(await run({ document, answer }, "remove", "strategy", "Hook")).toMatchObject({
    code: 1,
    asked: ["Remove strategy Hook, as listed?"],
  });
  const { edits } = await run({ document, answer, confirmed: true }, "remove", "strategy", "Hook");
  expect(edits.at(-1)).toMatchObject({
    prune: false,
    removes: [{ kind: "strategies", name: "Hook" }],
    dryRun: false,
    document: { ...document, strategies: [trend, bare] },
  });
});

test("a signal that is removed goes from the lists of strategies, too", async () => {
  const { edits } = await run({ document }, "remove", "signal", "EMA", "--yes");
  expect(edits[0]?.document.strategies[0]?.signals).toEqual([]);
});

test("list shows columns also of wide names, and of addresses the host", async () => {
  const { out } = await run({ document }, "list");
  expect(out).not.toContain("token-123");
  expect(out).toMatch(/^Hook +opens +webhook +all +none +\{"url":"bot\.example\.com/m);
  expect(out).toContain(
    "signal  state    long phrase  short phrase  exits  source\nEMA     enabled  UP\n突破    enabled  X\n",
  );
  expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  const json = JSON.parse((await run({ document }, "list", "strategies", "--json")).out);
  expect(json[1].params.url).toBe("bot.example.com/…");
  // What the handler marks as an address, whatever it looks like.
  expect(json[2].params).toEqual({ url: "bot.example.com/…", note: "a/b" });
});

describe("the history", () => {
  const change = (id: number): Change => ({
    id,
    at: "2026-11-30T12:00:00.000Z",
    by: "ada\u001B[2J",
    reason: "because",
    kind: "apply",
    versionBefore: "v1",
    versionAfter: `v${id}`,
  });
  const other = {
    ...document,
    tickers: [],
    strategies: document.strategies.map((one) => ({
      ...one,
      params: { url: "https://bot.example.com/hook/other" },
    })),
  };
  const changes = [
    { change: change(2), document: other },
    { change: change(1), document },
  ];

  test("has one line each", async () => {
    const { out } = await run({ document, changes }, "history", "--limit", "1");
    expect(out).toMatch(
      /^change +at +kind +by +version +reason\n2 +2026.*apply +ada\uFFFD\[2J +v2 +because\n1 change; older ones with --before 2$/,
    );
    expect((await run({ document, changes }, "history", "--before", "2")).out).toContain("v1 (as before)");
  });

  test("show prints the reference as it was, without whole addresses", async () => {
    const { out } = await run({ document, changes }, "show", "1");
    expect(out).toMatch(/^# change 1, apply at .*: because\n# version v1 before, v1 after\n\ntickers:\n/);
    expect(out).toContain('url: "bot.example.com/…"');
  });

  test("diff of two changes names what differs, also where only the hidden part does", async () => {
    const { code, out } = await run({ document, changes }, "diff", "1", "2");
    expect(code).toBe(3);
    expect(out.split("\n")).toEqual([
      "ticker BTCUSDT: removed",
      "ticker ETHUSDT: removed",
      expect.stringMatching(/^strategy Trend \(1\): params.url added: "bot.example.com/),
      expect.stringMatching(/^strategy Hook \(2\): .*params.url changed, still/),
      expect.stringMatching(/^strategy Bare \(3\): .*params.url changed, still "bot.example.com/),
    ]);
    expect(out).not.toMatch(/token-123|other/);
    expect(await run({ document, changes }, "diff", "1", "1")).toMatchObject({
      code: 0,
      out: "No difference",
    });
  });

  test("rollback asks with what it changes, and goes through the same questions", async () => {
    const summary = { willTradeMore: ["more"], willRemove: [], changes: [], warnings: [] };
    const answer = ({ agreed }: { readonly agreed: boolean }) =>
      agreed
        ? ({ status: "done", changeId: 3, version: "v1", etag: "e", summary } as const)
        : ({ status: "to_agree", summary } as const);
    expect(await run({ document, changes, answer }, "rollback", "1")).toMatchObject({
      code: 1,
      err: expect.stringContaining("more"),
    });
    const { rollbacks, code } = await run(
      { document, changes, answer, confirmed: true },
      "rollback",
      "1",
      "--by",
      "bob",
    );
    expect(code).toBe(0);
    expect(rollbacks.at(-1)).toMatchObject({ id: 1, by: "bob", agreed: true, dryRun: false, ifMatch: ETAG });
  });
});

describe("aliases, exchanges and sources", () => {
  const OWN = `
tickers: [{ symbol: BTCUSDT, exchanges: [BINANCE] }]
signals: [{ name: EMA, exit_phrase: OUT, long_exit_phrase: OUT LONG }]
aliases: [{ alias: XBT, symbol: BTCUSDT }]
sources:
  - name: desk
    template: { symbol: "{{s}}", message: "{{m}}", time: "{{t}}", qty: "{{q}}" }
`;
  const own = documentFrom(OWN);
  const changed = async (...args: string[]) => {
    const ran = await run({ document: own }, ...args);
    return { ...ran, document: ran.edits[0]?.document };
  };

  test.each([
    [["exchanges+=BYBIT"], ["BINANCE", "BYBIT"]],
    [["exchanges=*"], "*"],
    [["exchanges="], null],
    [["exchanges=", "exchanges+=BYBIT"], ["BYBIT"]],
  ])("set ticker BTCUSDT %j", async (typed, exchanges) => {
    const { document: after } = await changed("set", "ticker", "BTCUSDT", ...typed);
    expect(after?.tickers).toEqual([ticker("BTCUSDT", { exchanges })]);
  });

  test("a field of a template is text, or an object; without a value it is taken out", async () => {
    const typed = [
      'template.message={"from":"{{side}}","map":{"buy":"GO"}}',
      "template.qty=",
      "template.stop=5",
    ];
    const { document: after } = await changed("set", "source", "desk", ...typed);
    const message = { from: "{{side}}", map: { buy: "GO" } };
    expect(after?.sources).toMatchObject([
      { format: "json", template: { symbol: "{{s}}", message, stop: "5" } },
    ]);
    expect(after?.sources?.[0]?.template).not.toHaveProperty("qty");
    const { err } = await changed("set", "source", "desk", "template.message={{m");
    expect(err).toMatch(/template\.message: /);
  });

  test("are added, renamed and removed like the others", async () => {
    expect((await changed("add", "alias", "XBTUSD", "symbol=BTCUSDT")).document?.aliases).toHaveLength(2);
    expect((await changed("add", "alias", "xbt", "symbol=BTCUSDT")).err).toMatch(
      /there is an alias xbt already: use set/,
    );
    const { document: renamed } = await changed("set", "alias", "xbt", "alias=XBTUSD");
    expect(renamed?.aliases).toEqual([{ alias: "XBTUSD", symbol: "BTCUSDT", was: "XBT" }]);
    const { edits } = await changed("remove", "source", "desk", "--yes");
    expect(edits[0]).toMatchObject({
      removes: [{ kind: "sources", name: "desk" }],
      document: { sources: [] },
    });
  });

  test("are listed; where the reference is another system's, they alone are", async () => {
    const { out } = await changed("list");
    expect(out).toMatch(/^EMA +enabled +OUT, long: OUT LONG/m);
    expect(out).toMatch(/^alias +ticker\nXBT +BTCUSDT\n/m);
    expect(out).toMatch(/^desk +enabled +json +symbol: \{\{s\}\}, message: /m);
    const foreign = { document: own, notOwn: "the reference is another system's" };
    const listed = await run(foreign, "list");
    expect(listed.out).toMatch(/^alias +ticker\n/);
    expect(listed.out).not.toContain("trade permission");
    expect(await run(foreign, "list", "tickers")).toMatchObject({
      code: 1,
      err: expect.stringContaining("the tickers are another system's"),
    });
    const aliases = documentFrom("aliases: [{ alias: XBT, symbol: BTCUSDT }]");
    expect(
      await run({ ...foreign, document: aliases }, "set", "ticker", "BTCUSDT", "status=disabled"),
    ).toMatchObject({
      code: 1,
    });
    expect(
      (await run({ ...foreign, document: aliases }, "set", "alias", "XBT", "symbol=ETHUSDT")).edits,
    ).toHaveLength(1);
  });
});

test("schema prints the JSON Schema", async () => {
  expect(JSON.parse((await run({ document }, "schema")).out)).toHaveProperty(
    "properties.strategies.items.properties.params",
  );
});
