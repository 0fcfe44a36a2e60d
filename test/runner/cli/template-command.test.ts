import { readFileSync } from "node:fs";
import { Command } from "commander";
import { expect, test } from "vitest";
import type { CommandIo } from "../../../runner/cli/command-io.ts";
import { routesOver } from "../../../runner/cli/router-routes.ts";
import { addTemplateCommand } from "../../../runner/cli/template-command.ts";
import { alertTemplate, strategyAlertTemplate } from "../../../shared/signal/alert-template.ts";
import { parseSignal } from "../../../shared/signal/signal.ts";
import { readAlert } from "../../../shared/signal/tradingview-alert.ts";
import { readAlerts } from "../../../shared/webhook-source/read-alerts.ts";
import { NOW, referenceRows, signalRow, snapshotFrom } from "../../builders.ts";
import { blocksIn } from "../../markdown.ts";

const DOCUMENT = {
  tickers: [],
  signals: [
    { name: "EMA cross", long_phrase: "EMA_LONG", short_phrase: 'EMA "S"' },
    {
      name: "Breakout",
      long_phrase: "",
      short_phrase: "BREAK DOWN",
      exit_phrase: "CLOSE",
      long_exit_phrase: "CLOSE_LONG",
      short_exit_phrase: null,
    },
    { name: "Slow EMA", long_phrase: "ema_long" },
  ],
  strategies: [],
  sources: [{ name: "my-bot", template: { symbol: "{{ticker}}", message: "{{text}}" }, uid: "{{id}}" }],
};

async function run(...args: string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const router = routesOver(async () => Response.json(DOCUMENT));
  const io: CommandIo = {
    withRouter: async (command) => command(router),
    print: (text) => out.push(text),
    say: (text) => err.push(text),
    confirm: async () => undefined,
    exitWith: () => undefined,
    user: "ann",
    columns: undefined,
  };
  const program = new Command().exitOverride();
  addTemplateCommand(program, io);
  await program.parseAsync(["template", ...args], { from: "user" });
  return { out, err: err.join("\n") };
}

/** The uid of the signal that an alert becomes when TradingView has filled in the placeholders. */
function uidAt(message: string, { bar, fired }: { readonly bar: string; readonly fired: string }): string {
  const body = message
    .replaceAll("{{ticker}}", "BTCUSDT")
    .replaceAll("{{time}}", bar)
    .replaceAll("{{timenow}}", fired);
  const alert = readAlert(JSON.parse(body) as Record<string, unknown>, {
    redact: (text) => text,
    now: NOW,
    source: "tv",
  });
  if (alert.status === "refused") throw new Error(JSON.stringify(alert.faults));
  const parsed = parseSignal({ id: `${NOW}-0`, fields: alert.fields }, NOW);
  return parsed.status === "valid" ? parsed.signal.uid : "";
}

test("each phrase of a signal has a message to paste; of two alerts of one bar one is traded", async () => {
  const { out, err } = await run("EMA cross");
  expect(out).toEqual([
    "EMA cross, long:",
    '{ "message": "EMA_LONG", "symbol": "{{ticker}}", "time": "{{time}}", "sent_at": "{{timenow}}" }',
    "EMA cross, short:",
    '{ "message": "EMA \\"S\\"", "symbol": "{{ticker}}", "time": "{{time}}", "sent_at": "{{timenow}}" }',
  ]);
  expect(err).toContain("the second is a duplicate");
  const bar = "2025-01-15T11:45:00Z";
  const uids = ["2025-01-15T11:46:01Z", "2025-01-15T11:50:07Z"].map((fired) =>
    uidAt(out[1] ?? "", { bar, fired }),
  );
  expect(new Set(uids).size).toBe(1);
});

test("with --each-crossing they are two signals, and what is sent again stays one", async () => {
  const { out, err } = await run("EMA_LONG", "--each-crossing", "--json");
  expect(err).toBe("");
  const [first] = JSON.parse(out.join("")) as { signal: string; direction: string; message: string }[];
  expect(first).toMatchObject({ signal: "EMA cross", direction: "long" });
  const bar = "2025-01-15T11:45:00Z";
  const fired = ["2025-01-15T11:46:01Z", "2025-01-15T11:50:07Z", "2025-01-15T11:50:07Z"];
  const uids = fired.map((at) => uidAt(first?.message ?? "", { bar, fired: at }));
  expect(new Set(uids).size).toBe(2);
});

test("all signals without a name, exits too; an unknown one is refused with the closest", async () => {
  const { out } = await run();
  expect(out.filter((_, line) => line % 2 === 0)).toEqual([
    "EMA cross, long:",
    "EMA cross, short:",
    "Breakout, short:",
    "Breakout, exit:",
    "Breakout, exit of long positions:",
    "Slow EMA, long:",
  ]);
  expect(JSON.parse(out[9] ?? "")).toMatchObject({ message: "CLOSE_LONG", symbol: "{{ticker}}" });
  await expect(run("EMA LONG")).rejects.toThrow("the closest is EMA_LONG");
});

test("a Pine strategy has one message for all its orders, which its source reads", async () => {
  const { out, err } = await run("Breakout", "--source", "tradingview-strategy");
  expect(out).toEqual(["Breakout, all orders of the strategy:", expect.any(String)]);
  expect(err).toMatch(
    /webhooks\/tradingview-strategy\/<WEBHOOK_SECRET_TRADINGVIEW_STRATEGY>[^]*also within one bar/,
  );
  const snapshot = snapshotFrom(referenceRows({ signals: [signalRow(1, { short_phrase: "BREAK DOWN" })] }));
  const filled = filledIn(out[1] ?? "", {
    ticker: "BTCUSDT.P",
    time: "2025-01-15T11:45:00Z",
    timenow: "2025-01-15T11:46:01Z",
    "strategy.order.id": "Long",
    "strategy.order.action": "buy",
    "strategy.prev_market_position": "flat",
    "strategy.market_position": "long",
    "strategy.order.contracts": "0.10",
    "strategy.order.price": "64123.50",
  });
  const same = (text: string) => text;
  const options = { redact: same, storedBody: same, now: NOW, arrivalTime: NOW, snapshot };
  const source = "tradingview-strategy";
  const answer = readAlerts(filled, { source }, { ...options, source });
  expect(answer).toMatchObject({ alerts: [{ signal: { message: "SIGNAL_1_LONG", symbol: "BTCUSDT" } }] });
});

test("which names its signal by a phrase that no other signal has", async () => {
  const { out } = await run("--source", "tradingview-strategy", "--json");
  const templates = JSON.parse(out.join("")) as { readonly signal: string; readonly message: string }[];
  expect(templates.map(({ signal, message }) => [signal, JSON.parse(message) as unknown])).toEqual([
    ["EMA cross", expect.objectContaining({ signal: 'EMA "S"' })],
    ["Breakout", expect.objectContaining({ signal: "BREAK DOWN" })],
    ["Slow EMA", expect.objectContaining({ signal: "ema_long" })],
  ]);
});

test("as text a phrase is a line, or lines where it has spaces", async () => {
  expect((await run("Breakout", "--source", "text")).out).toEqual([
    "Breakout, short:",
    "message=BREAK DOWN",
    "symbol={{ticker}}",
    "time={{time}}",
    "Breakout, exit:",
    "CLOSE {{ticker}} {{time}}",
    "Breakout, exit of long positions:",
    "CLOSE_LONG {{ticker}} {{time}}",
  ]);
});

test("the body of a source of one's own is the sender's; an unknown source is refused", async () => {
  const { out, err } = await run("--source", "my-bot");
  expect(out).toEqual([]);
  expect(err).toContain("npm run cli -- sources try my-bot < body");
  await expect(run("--source", "my-bots")).rejects.toThrow("the closest is my-bot");
  await expect(run("--source", "text", "--each-crossing")).rejects.toThrow("is for the source tradingview");
});

test("the guides show the same messages", () => {
  const phrase = "EMA_CROSS_LONG";
  const indicator = alertTemplate(phrase);
  const guide = blocksIn(readFileSync("runner/http/webhook/README.md", "utf8"), "json");
  expect(guide.map((block) => block.trim())).toEqual([
    indicator,
    alertTemplate(phrase, { eachCrossing: true }),
    strategyAlertTemplate(phrase),
  ]);
  for (const other of ["README.md", "runner/http/README.md"])
    expect(blocksIn(readFileSync(other, "utf8"), "json").map((block) => block.trim())).toContain(indicator);
});

function filledIn(message: string, values: Readonly<Record<string, string>>): string {
  return message.replaceAll(/\{\{([^{}]+)\}\}/g, (_, placeholder: string) => values[placeholder] ?? "");
}
