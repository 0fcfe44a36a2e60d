import * as fc from "fast-check";
import { expect, test } from "vitest";
import { buildReference } from "../../../shared/reference/build-reference.ts";
import { snapshotOf } from "../../../shared/reference/snapshot.ts";
import { rowsWithStrategies, snapshotFrom, strategyRow } from "../../builders.ts";
import { widerRows } from "../../wider-references.ts";

test("a phrase has the strategies that subscribe to it, with their symbols as sets", () => {
  const snapshot = snapshotFrom(
    rowsWithStrategies([strategyRow(20, { use_all_tickers: false }), strategyRow(10)], {
      strategy_tickers: [{ strategy_id: 20, symbol: "BTCUSDT" }],
    }),
  );
  expect(snapshot.tickers.get("BTCUSDT")).toEqual({ status: "enabled", trade_permission: "enabled" });
  const subscription = snapshot.subscriptions.get("signal_1_short");
  expect(subscription).toMatchObject({ signal_id: 1, direction: "short" });
  expect(subscription?.strategies.map(({ id, symbols }) => [id, symbols])).toEqual([
    [10, null],
    [20, new Set(["BTCUSDT"])],
  ]);
});

test("each phrase is listed under its length", () => {
  fc.assert(
    fc.property(widerRows, (rows) => {
      const { phrasesByLength, subscriptions } = snapshotFrom(rows);
      expect([...phrasesByLength.values()].flat().toSorted()).toEqual([...subscriptions.keys()]);
      for (const [length, phrases] of phrasesByLength) {
        for (const phrase of phrases) expect(phrase).toHaveLength(length);
      }
    }),
  );
});

test("content that names a strategy it does not have is no snapshot", () => {
  const { content } = buildReference(rowsWithStrategies([strategyRow(10)]));
  expect(() => snapshotOf("v1", { ...content, strategies: new Map() })).toThrow(
    "reference version v1: phrase SIGNAL_1_LONG names strategy 10, which the version does not have",
  );
});

test("it is the same, whatever the order in which Redis returns the content", () => {
  fc.assert(
    fc.property(widerRows, (rows) => {
      const { version, content } = buildReference(rows);
      const reversed = {
        tickers: new Map([...content.tickers].toReversed()),
        strategies: new Map([...content.strategies].toReversed()),
        phrases: new Map([...content.phrases].toReversed()),
        sources: new Map([...content.sources].toReversed()),
      };
      const [one, two] = [snapshotOf(version, content), snapshotOf(version, reversed)];
      expect(two).toEqual(one);
      expect([...two.subscriptions.keys()]).toEqual([...one.subscriptions.keys()]);
    }),
  );
});
