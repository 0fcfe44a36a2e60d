import { Command } from "commander";
import { expect, test } from "vitest";
import type { CommandIo } from "../../../runner/cli/command-io.ts";
import { routesOver } from "../../../runner/cli/router-routes.ts";
import { addTemplateCommand } from "../../../runner/cli/template-command.ts";
import { parseSignal } from "../../../shared/signal/signal.ts";
import { readAlert } from "../../../shared/signal/tradingview-alert.ts";
import { NOW } from "../../builders.ts";

const DOCUMENT = {
  tickers: [],
  signals: [
    { name: "EMA cross", long_phrase: "EMA_LONG", short_phrase: 'EMA "S"' },
    { name: "Exit", long_phrase: "", short_phrase: "EXIT" },
  ],
  strategies: [],
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

test("all signals without a name; an unknown one is refused with the closest", async () => {
  expect((await run()).out).toHaveLength(6);
  await expect(run("EMA LONG")).rejects.toThrow("the closest is EMA_LONG");
});
