import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { HANDLERS } from "../../../functions/strategies/registry.ts";
import type { AnyStrategyHandler } from "../../../shared/strategy.ts";
import { rowsWithStrategies, signalRow, strategyRow } from "../../builders.ts";
import { blocksIn, sectionIn } from "../../markdown.ts";
import { useHttpApp } from "../../runner/http/http-fixture.ts";
import { startReceiver } from "../../servers/http-receiver.ts";

/** The worked example of the guide, taken from it as it stands there, does what the guide says. */

const ROOT = resolve(import.meta.dirname, "../../..");
const WEBHOOK_SECRET = "a-secret-for-tests";

/** The handler in the only file of the example, in a folder as the guide names it. */
async function handlerOfGuide(): Promise<AnyStrategyHandler> {
  const guide = await readFile(join(ROOT, "functions/strategies/README.md"), "utf8");
  const [code, ...others] = blocksIn(sectionIn(guide, "Entry and exit: a worked example"), "ts");
  if (code === undefined || others.length > 0) throw new Error("expected one file in the example");
  const folder = await mkdtemp(join(tmpdir(), "guide-example-"));
  try {
    const file = join(folder, "functions/strategies/desk.ts");
    await mkdir(join(folder, "functions/strategies"), { recursive: true });
    for (const name of ["shared", "node_modules"]) await symlink(join(ROOT, name), join(folder, name));
    await writeFile(file, code);
    const { desk } = (await import(file)) as { readonly desk: AnyStrategyHandler };
    return desk;
  } finally {
    await rm(folder, { recursive: true });
  }
}

const http = useHttpApp({
  handlers: [...HANDLERS, await handlerOfGuide()],
  settings: {
    WEBHOOK_SECRET,
    STRATEGY_PRIVATE_ADDRESSES: "true",
    STRATEGY_SECRET_DESK: "the key of the desk",
    SIGNAL_AGE_MS_MAX: "0",
  },
});

test("the handler of the guide opens with the quantity and the stop of the alert, and closes on the exit", async () => {
  const desk = await startReceiver((response) => void response.writeHead(201).end());
  onTestFinished(async () => desk.close());
  const params = { url: `${desk.url}/orders`, account: "A1" };
  const trader = strategyRow(10, { name: "Trend follower", handler: "desk", params, exits: true });
  const signals = [signalRow(1, { long_exit_phrase: "CLOSE_LONGS", exit_phrase: "CLOSE" })];
  await http.setReference(rowsWithStrategies([trader], { signals }));
  const send = async (alert: object) =>
    http.call("POST", `/webhooks/tradingview/${WEBHOOK_SECRET}`, {
      symbol: "BTCUSDT.P",
      time: "2026-01-05T10:00:00Z",
      ...alert,
    });

  // The groups of streams begin here.
  await http.call("POST", "/tick");

  expect(await send({ message: "SIGNAL_1_LONG", qty: "0.10", stop: "63900.50" })).toMatchObject({
    status: 202,
  });
  expect(await send({ message: "CLOSE_LONGS", stop: "NaN" })).toMatchObject({ status: 202 });
  expect(await send({ message: "CLOSE" })).toMatchObject({ status: 202 });
  await http.call("POST", "/tick");
  expect(desk.deliveries.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
    { ...COMMON, action: "open", side: "long", quantity: "0.10", stop: "63900.50" },
    { ...COMMON, action: "close", side: "long" },
    { ...COMMON, action: "close", side: "both" },
  ]);
  expect(desk.deliveries[0]).toMatchObject({
    path: "/orders",
    headers: { authorization: "Bearer the key of the desk" },
  });
  const keys = desk.deliveries.map(({ body }) => (JSON.parse(body) as typeof COMMON).client_order_id);
  expect(new Set(keys).size).toBe(3);

  // A quantity that is none is no order, and its record says which.
  await send({ message: "SIGNAL_1_SHORT", qty: "1e3", stop: "66000" });
  await http.call("POST", "/tick");
  expect(desk.deliveries).toHaveLength(3);
  expect(
    await http.sql(
      "SELECT reason, detail->>'error' AS error FROM signal_log_entries WHERE status = 'failed'",
    ),
  ).toEqual([{ reason: "invalid_qty", error: "qty: expected a number such as 1.5, got 1e3" }]);
});

/** What each order has. */
const COMMON = {
  client_order_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
  account: "A1",
  symbol: "BTCUSDT",
};
