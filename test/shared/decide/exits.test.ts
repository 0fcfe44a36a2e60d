import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { SIGNAL_RULES, STRATEGY_RULES } from "../../../shared/decide/rules.ts";
import {
  NOW,
  rowsWithStrategies,
  signalFields,
  signalRow,
  strategyRow,
  tickerRow,
  type ContextChanges,
} from "../../builders.ts";
import { rowsIn, sectionIn } from "../../markdown.ts";
import { decisionOn } from "./decide-fixture.ts";

/** What decides on a signal of ten seconds: its strategy, which takes exits, the reference, and the router. */
interface Situation extends ContextChanges {
  readonly strategy?: Parameters<typeof strategyRow>[1];
  readonly change?: Parameters<typeof rowsWithStrategies>[1];
}

const AGE_MS = 10_000;
const EXITING = signalRow(1, { exit_phrase: "EXIT" });
/** Both phrases again, the other way round. */
const OTHER = signalRow(2, { long_phrase: null, short_phrase: "signal_1_long", long_exit_phrase: "exit" });

/** The situations of the guide's table. */
const SITUATIONS: Readonly<Record<string, Situation>> = {
  "the signal of the phrase is disabled": { change: { signals: [{ ...EXITING, enabled: false }] } },
  "the phrase is ambiguous": { change: { signals: [EXITING, OTHER] } },
  "the ticker is not known": { change: { tickers: [tickerRow("ETHUSDT")] } },
  "the ticker's `status` is `disabled`": {
    change: { tickers: [tickerRow("BTCUSDT", { status: "disabled" })] },
  },
  "the ticker's `trade_permission` is `disabled`": {
    change: { tickers: [tickerRow("BTCUSDT", { trade_permission: "disabled" })] },
  },
  "no strategy subscribes": { change: { strategy_signals: [] } },
  "every strategy is paused": { paused: new Set(["*"]) },
  "a forced replay is for other strategies": { chosen: new Set([99]) },
  "the strategy is disabled": { strategy: { enabled: false } },
  "the strategy is archived": { strategy: { archived: true } },
  "the strategy's `exits` is false": { strategy: { exits: false } },
  "neither `allow_open` nor `reverse` is true": { strategy: { allow_open: false } },
  "the ticker is not among the strategy's": { strategy: { use_all_tickers: false } },
  "older than `SIGNAL_AGE_MS_MAX`, and there is no `exit_age_ms_max`": { signalAgeMsMax: AGE_MS - 1 },
  "older than `signal_age_ms_max`, and there is no `exit_age_ms_max`": {
    strategy: { signal_age_ms_max: AGE_MS - 1 },
  },
  "older than both, and `exit_age_ms_max` is higher": {
    strategy: { signal_age_ms_max: AGE_MS - 1, exit_age_ms_max: AGE_MS },
    signalAgeMsMax: AGE_MS - 1,
  },
  "older than both, and `exit_age_ms_max` is 0": {
    strategy: { signal_age_ms_max: AGE_MS - 1, exit_age_ms_max: 0 },
    signalAgeMsMax: AGE_MS - 1,
  },
  "older than `exit_age_ms_max` alone": { strategy: { exit_age_ms_max: AGE_MS - 1 } },
  "the strategy is paused": { paused: new Set([10]) },
  "the strategy is a shadow": { strategy: { shadow: true } },
  "the router is a shadow": { shadow: true },
};

const guide = readFileSync(resolve(import.meta.dirname, "../../../functions/README.md"), "utf8");
const cells = rowsIn(sectionIn(guide, "Exits")).slice(1);

function decided(message: string, { strategy, change, ...context }: Situation) {
  const rows = rowsWithStrategies([strategyRow(10, { exits: true, ...strategy })], {
    signals: [EXITING],
    ...change,
  });
  const fields = signalFields({ message, sent_at: String(NOW - AGE_MS) });
  const { reason, status, outcomes } = decisionOn(fields, { rows, ...context });
  const [outcome] = outcomes;
  return status === "dispatched" ? "passes" : (outcome?.reason ?? reason);
}

describe("the table of exits in the guide", () => {
  test("has every rule, in every situation that is tried here", () => {
    const reasons = new Set(cells.map(([, reason]) => reason?.replaceAll("`", "")));
    expect(reasons).toEqual(new Set([...Object.keys(SIGNAL_RULES), ...Object.keys(STRATEGY_RULES)]));
    expect(cells.map(([what]) => what)).toEqual(Object.keys(SITUATIONS));
  });

  test.each(cells)("%s (%s): an opening %s, an exit %s", (what = "", reason = "", opening, exit) => {
    const situation = SITUATIONS[what] ?? {};
    const stops = reason.replaceAll("`", "");
    const said = (cell: string | undefined) => (cell === "stops" ? stops : cell);
    expect(decided("SIGNAL_1_LONG", situation)).toBe(said(opening));
    expect(decided("EXIT", situation)).toBe(said(exit));
  });
});

describe("an exit", () => {
  const rows = rowsWithStrategies(
    [
      strategyRow(10, { exits: true, exit_age_ms_max: 0, allow_open: false }),
      strategyRow(20, { exits: true, exit_age_ms_max: 60_000 }),
      strategyRow(30, { exits: true, signal_age_ms_max: 1_000 }),
      strategyRow(40, { exits: true }),
      strategyRow(50),
    ],
    {
      signals: [
        signalRow(1, { exit_phrase: "EXIT", long_exit_phrase: "EXIT L", short_exit_phrase: "EXIT S" }),
      ],
    },
  );
  const on = (message: string, ageMs: number, changes: ContextChanges = {}) =>
    decisionOn(signalFields({ message, sent_at: String(NOW - ageMs) }), { rows, ...changes });

  test("has its age judged by each strategy, and no reason of the signal's own", () => {
    const decision = on("EXIT", 400_000);
    expect(decision.outcomes.map(({ reason, detail }) => [reason, detail])).toEqual([
      [null, {}],
      ["stale", { age_ms: 400_000, age_ms_max: 60_000 }],
      ["stale", { age_ms: 400_000, age_ms_max: 300_000, limit: "SIGNAL_AGE_MS_MAX" }],
      ["stale", { age_ms: 400_000, age_ms_max: 300_000, limit: "SIGNAL_AGE_MS_MAX" }],
      ["exits_not_taken", {}],
    ]);
    expect(on("EXIT", 2_000).outcomes.map(({ reason }) => reason)).toEqual([
      null,
      null,
      "stale",
      null,
      "exits_not_taken",
    ]);
    const others = { rows: { ...rows, strategies: rows.strategies.slice(1) } };
    expect(on("EXIT", 400_000, others)).toMatchObject({
      status: "ignored",
      reason: "no_eligible_strategy",
      detail: { strategies: { stale: 3, exits_not_taken: 1 } },
    });
    expect(on("SIGNAL_1_LONG", 400_000)).toMatchObject({ reason: "stale" });
  });

  test("of a forced replay has any age", () => {
    const reasons = on("EXIT", 10 ** 10, { anyAge: true }).outcomes.map(({ reason }) => reason);
    expect(reasons).toEqual([null, null, null, null, "exits_not_taken"]);
  });

  test("where nothing may open is dispatched, and an opening is open_not_allowed", () => {
    const closing = { rows: { ...rows, strategies: rows.strategies.slice(0, 1) } };
    expect(on("EXIT", 0, closing)).toMatchObject({ status: "dispatched", direction: "flat", side: null });
    expect(on("SIGNAL_1_SHORT", 0, closing).outcomes[0]).toMatchObject({ reason: "open_not_allowed" });
  });

  test.each([
    ["EXIT", null],
    ["exit l", "long"],
    ["EXIT S ", "short"],
  ])("%s closes its side", (message, side) => {
    expect(on(message, 0)).toMatchObject({ direction: "flat", side });
  });
});
