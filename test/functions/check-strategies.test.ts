import { expect, test } from "vitest";
import * as z from "zod";
import {
  unusableEvents,
  hostsToLookUp,
  unusableStrategies,
  type StrategyChecks,
} from "../../functions/check-strategies.ts";
import { HANDLERS } from "../../functions/strategies/registry.ts";
import { address, defineStrategy, secretName } from "../../shared/strategy.ts";
import { rowsWithStrategies, snapshotFrom, strategyRow } from "../builders.ts";

type Row = ReturnType<typeof strategyRow>;
const strategiesOf = (rows: readonly Row[]) => snapshotFrom(rowsWithStrategies(rows)).strategies.values();
const CHECKS: StrategyChecks = {
  isSecretSet: (name) => name === "SET",
  privateAddresses: false,
  hostFault: (host) => (host === "inside.test" ? "inside.test resolves to 10.0.0.1" : undefined),
};
const faultsOf = (rows: readonly Row[], handlers = HANDLERS, checks = CHECKS) =>
  unusableStrategies(strategiesOf(rows), handlers, checks);
const webhookFaults = (params: Record<string, unknown>, checks = CHECKS) =>
  faultsOf([strategyRow(1, { handler: "webhook", params })], HANDLERS, checks).map(({ reason, fault }) => [
    reason,
    fault,
  ]);

const talkative = defineStrategy({
  name: "talkative",
  params: z.object({
    token: z.string().refine(() => false, { error: ({ input }) => `bad token ${String(input)}` }),
  }),
  run: () => ({ status: "executed" }),
});
const broken = defineStrategy({
  name: "broken",
  params: z.looseObject({}).transform((params) => {
    throw new Error(`broken by ${String(params["token"])}`);
  }),
  run: () => ({ status: "executed" }),
});

test("strategies that can be run are not spoken of", () => {
  const url = "https://broker.test/";
  const rows = [
    strategyRow(1),
    strategyRow(2, { handler: "none" }),
    strategyRow(3, { handler: "stream", params: { stream: "a" } }),
    strategyRow(4, { handler: "webhook", params: { url } }),
  ];
  expect(faultsOf(rows)).toEqual([]);
});

test("a strategy whose handler is unknown is named, with the known handlers", () => {
  const faults = faultsOf([strategyRow(4, { name: "Trend", handler: "webhok" }), strategyRow(5)]);
  const fault = 'there is no handler "webhok"; the handlers are log, none, stream, webhook';
  const reason = "unknown_handler";
  expect(faults).toEqual([{ strategyId: 4, name: "Trend", handler: "webhok", reason, fault }]);
  expect(unusableEvents(faults)).toEqual([
    {
      level: "ERROR",
      source: "refresh-reference",
      message: `Trend (4) cannot be run: ${fault}; its tasks fail until that is corrected`,
      details: { strategy_id: 4, strategy: "Trend", handler: "webhok", reason, fault },
      actionNeeded: true,
    },
  ]);
});

test("a strategy whose params do not fit is named, with what is wrong and where", () => {
  const params = { url: "t0ken", timeout_ms: -1 };
  const [found, ...more] = faultsOf([strategyRow(4, { name: "Trend", handler: "webhook", params })]);
  expect(more).toEqual([]);
  expect(found).toMatchObject({ strategyId: 4, name: "Trend", handler: "webhook", reason: "invalid_params" });
  expect(found?.fault).toMatch(/webhook.*expected a URL.*url.*timeout_ms/s);
  expect(JSON.stringify(found)).not.toContain("t0ken");
});

test("disabled and archived strategies are not checked; those in the shadow are", () => {
  const handler = "unknown";
  const rows = [
    strategyRow(1, { handler, enabled: false }),
    strategyRow(2, { handler, archived: true }),
    strategyRow(3, { handler, shadow: true }),
  ];
  expect(faultsOf(rows).map(({ strategyId }) => strategyId)).toEqual([3]);
});

test.each([talkative, broken])(
  "a schema that throws, or puts values into its messages, is a fault without these values ($name)",
  (handler) => {
    const params = { token: "t0ken", other: { deep: ["t0k"] } };
    const rows = [strategyRow(1, { handler: handler.name, params }), strategyRow(2, { handler: "unknown" })];
    const faults = faultsOf(rows, [handler]);
    expect(faults).toHaveLength(2);
    expect(faults[0]?.fault).toContain(handler === broken ? "broken by ***" : "bad token ***");
    expect(JSON.stringify(faults)).not.toContain("t0ken");
  },
);

test("a secret that is not set is a fault that names its variable", () => {
  const url = "https://broker.test/";
  expect(webhookFaults({ url, secret: "BROKER_A" })).toEqual([
    ["missing_secret", "the variable STRATEGY_SECRET_BROKER_A is not set"],
  ]);
  expect(webhookFaults({ url, secret: "SET" })).toEqual([]);
});

test.each([
  ["http://127.0.0.1/", /127\.0\.0\.1 is not a public address.*STRATEGY_PRIVATE_ADDRESSES=true/],
  ["http://[::1]:8080/t0ken", /::1 is not a public address/],
  ["http://169.254.169.254/latest", /169\.254\.169\.254 is not a public address/],
  ["https://inside.test/t0ken", /^inside\.test resolves to 10\.0\.0\.1; STRATEGY_PRIVATE_ADDRESSES=true/],
])("an address that a POST would refuse is a fault: %s", (url, fault) => {
  const found = webhookFaults({ url });
  expect(found).toEqual([["forbidden_address", expect.stringMatching(fault)]]);
  expect(JSON.stringify(found)).not.toContain("t0ken");
  expect(webhookFaults({ url }, { ...CHECKS, privateAddresses: true })).toEqual([]);
});

test("a URL that cannot be posted to does not fit the params of webhook", () => {
  for (const url of ["ftp://broker.test", "https://user:t0ken@broker.test/", "broker.test"]) {
    expect(webhookFaults({ url })).toEqual([["invalid_params", expect.stringContaining("expected")]]);
  }
});

test("every marked param of a handler is checked, and all faults are found at once", () => {
  const several = defineStrategy({
    name: "several",
    params: z.object({ accounts: z.array(z.object({ key: secretName(), at: address() })) }),
    run: () => ({ status: "executed" }),
  });
  const accounts = [
    { key: "A", at: "https://broker.test" },
    { key: "SET", at: "http://10.0.0.1" },
    { key: "B", at: "http://inside.test" },
  ];
  const rows = [strategyRow(1, { handler: "several", params: { accounts } })];
  expect(faultsOf(rows, [several]).map(({ reason }) => reason)).toEqual([
    "missing_secret",
    "forbidden_address",
    "missing_secret",
    "forbidden_address",
  ]);
  expect(hostsToLookUp(strategiesOf(rows), [several])).toEqual(["broker.test", "inside.test"]);
});
