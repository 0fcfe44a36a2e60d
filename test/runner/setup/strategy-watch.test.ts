import { expect, test } from "vitest";
import { HANDLERS } from "../../../functions/strategies/registry.ts";
import { strategyWatchOver } from "../../../runner/setup/strategy-watch.ts";
import type { SystemEvent } from "../../../shared/events.ts";
import { hostVerdict, type HostVerdict } from "../../../shared/io/http-client/host-verdict.ts";
import { rowsWithStrategies, snapshotFrom, strategyRow } from "../../builders.ts";

const REFUSED: HostVerdict = { status: "refused", fault: "broker.test resolves to 10.0.0.1" };
const UNDECIDED: HostVerdict = { status: "undecided", why: "no such host" };

function strategies(params: Record<string, unknown>) {
  const rows = [strategyRow(1, { name: "Trend", handler: "webhook", params }), strategyRow(2)];
  return [...snapshotFrom(rowsWithStrategies(rows)).strategies.values()];
}

/** A watch over these answers of the name server, and what it has reported. */
function watchOver(verdicts: Promise<HostVerdict>[], { privateAddresses = false } = {}) {
  const events: SystemEvent[] = [];
  const watch = strategyWatchOver({
    handlers: HANDLERS,
    checks: { isSecretSet: () => false, privateAddresses },
    verdictOn: async () => (await verdicts.shift()) ?? UNDECIDED,
    publish: (event) => events.push(event),
  });
  return { watch, reported: () => events.splice(0).map(({ level, message }) => `${level} ${message}`) };
}

const url = "https://broker.test/t0ken";

test("a fault is reported when it is first seen, and again only after it was over", async () => {
  const { watch, reported } = watchOver([], { privateAddresses: true });
  const missing = strategies({ url, secret: "BROKER" });
  const message =
    "ERROR Trend (1) cannot be run: the variable STRATEGY_SECRET_BROKER is not set; its tasks fail until that is corrected";
  expect(watch.check(missing)).toMatchObject([{ strategyId: 1, reason: "missing_secret" }]);
  expect(reported()).toEqual([message]);
  watch.check(missing);
  expect(reported()).toEqual([]);
  watch.check(strategies({ url }));
  expect(watch.unusable()).toEqual([]);
  watch.check(missing);
  expect(reported()).toEqual([message]);
});

test("a refresh does not wait for look-ups; what they find is reported afterwards", async () => {
  let answer = (_verdict: HostVerdict): void => undefined;
  const { watch, reported } = watchOver([new Promise((resolve) => (answer = resolve))]);
  expect(watch.check(strategies({ url }))).toEqual([]);
  expect(watch.check(strategies({ url }))).toEqual([]);
  expect(reported()).toEqual([]);
  answer(REFUSED);
  await watch.hostsLookedUp();
  expect(watch.unusable()).toMatchObject([{ strategyId: 1, reason: "forbidden_address" }]);
  expect(reported()).toEqual([
    expect.stringMatching(/^ERROR Trend \(1\).*broker\.test resolves to 10\.0\.0\.1/),
  ]);
});

test("a name that cannot be looked up is a warning, and changes nothing of what is known", async () => {
  const { watch, reported } = watchOver(
    [UNDECIDED, UNDECIDED, REFUSED, UNDECIDED].map((verdict) => Promise.resolve(verdict)),
  );
  const look = async (): Promise<readonly string[]> => {
    watch.check(strategies({ url }));
    await watch.hostsLookedUp();
    return watch.unusable().map(({ reason }) => reason);
  };
  expect(await look()).toEqual([]);
  expect(reported()).toEqual([expect.stringMatching(/^WARNING the host broker\.test.*no such host/)]);
  expect(await look()).toEqual([]);
  expect(reported()).toEqual([]);
  expect(await look()).toEqual(["forbidden_address"]);
  expect(await look()).toEqual(["forbidden_address"]);
});

test.each([
  [["203.0.113.7"], "refused"],
  [["93.184.216.34"], "public"],
  [["93.184.216.34", "10.0.0.1"], "refused"],
  [[], "undecided"],
])("a name with the addresses %s is %s", async (addresses, status) => {
  const resolve = async () => addresses.map((address) => ({ address, family: 4 }));
  expect(await hostVerdict("broker.test", { resolve })).toMatchObject({ status });
});

test("a name server that fails, or does not answer in time, leaves a name undecided", async () => {
  const failing = async () => Promise.reject(Object.assign(new Error("t0ken"), { code: "ENOTFOUND" }));
  expect(await hostVerdict("broker.test", { resolve: failing })).toEqual(UNDECIDED);
  const silent = async () => new Promise<never>(() => undefined);
  expect(await hostVerdict("broker.test", { resolve: silent, msMax: 1 })).toEqual({
    status: "undecided",
    why: "no answer within 1 ms",
  });
});
