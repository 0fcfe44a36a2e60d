import * as fc from "fast-check";
import { expect, test } from "vitest";
import { uidOfDecision } from "../../../shared/decide/exit-uid.ts";
import { resolveSignal } from "../../../shared/decide/resolve-symbol.ts";
import { SIGNAL_REASONS, STRATEGY_REASONS } from "../../../shared/reasons.ts";
import { parseSignal } from "../../../shared/signal/signal.ts";
import { anyAgeMax, anyPaused, anyRows, likelyFields, recentId } from "../../arbitraries.ts";
import { contextFrom, NOW, tickerRow } from "../../builders.ts";
import { tickerKey } from "../../oracle-symbols.ts";
import { expectedDecision, type OracleInput } from "../../oracle.ts";
import { decisionOn } from "./decide-fixture.ts";

const PLAIN = { noNullPrototype: true } as const;

/** Other spellings of tickers, and perpetuals beside their symbols; each alias is of a listed ticker. */
const withSpellings = anyRows.chain((rows) =>
  fc
    .record({
      perpetuals: fc.subarray(["BTCUSDT.P", "ETHUSDT.P"]),
      aliases: fc.dictionary(fc.constantFrom("XBT", "xbt.P", "BTC/USDT", "X:XBT"), fc.nat(), PLAIN),
      exchanges: fc.array(fc.constantFrom(null, ["*"], ["X", "Y"], ["Y"]), { minLength: 12, maxLength: 12 }),
    })
    .map(({ perpetuals, aliases, exchanges }) => {
      const listed = new Set(rows.tickers.map(({ symbol }) => symbol.trim().toUpperCase()));
      const added = perpetuals.filter((symbol) => !listed.has(symbol)).map((symbol) => tickerRow(symbol));
      // Of two spellings of one ticker, which one counts is another question.
      const tickers = [...rows.tickers, ...added];
      const ofKey = (symbol: string) =>
        tickers.findIndex((row) => tickerKey(row.symbol, { tickers }) === symbol);
      return {
        ...rows,
        tickers: tickers.map((row) => ({
          ...row,
          exchanges: exchanges[ofKey(tickerKey(row.symbol, { tickers }))] ?? null,
        })),
        ticker_aliases: Object.entries(aliases).map(([alias, at]) => ({
          alias,
          symbol: tickers[at % tickers.length]?.symbol ?? "",
        })),
      };
    }),
);
const anySpelling = fc.constantFrom(
  "XBT",
  "xbt.p",
  " btc/usdt",
  "X:XBT",
  "X:BTCUSDT",
  "Z:ethusdt.P",
  "BTCUSDT.P",
);

const anyInput: fc.Arbitrary<OracleInput> = fc.record({
  rows: fc.oneof(anyRows, withSpellings),
  fields: fc
    .tuple(likelyFields, fc.option(anySpelling, { nil: undefined, freq: 2 }))
    .map(([fields, symbol]) => (symbol === undefined ? fields : { ...fields, symbol })),
  entryId: recentId,
  now: fc.constant(NOW),
  paused: anyPaused,
  signalAgeMsMax: anyAgeMax,
});

test("every decision is the one that the rules give when they are applied to plain rows", () => {
  fc.assert(
    fc.property(anyInput, (input) => {
      const decision = decisionOn(input.fields, input, input.entryId);
      const { identity: _, dispatched, ...expected } = expectedDecision(input);
      const { status, reason, direction, side, outcomes } = decision;
      expect({
        status,
        reason,
        direction,
        side,
        outcomes: outcomes.map((each) => [each.strategy_id, each.reason ?? each.status]),
      }).toEqual(expected);
      expect(outcomes.filter((each) => each.status === "dispatched").map((each) => each.strategy_id)).toEqual(
        dispatched,
      );
    }),
    { numRuns: 3000 },
  );
});

test("two random signals have one uid exactly if the rules call them the same signal", () => {
  const shared = fc.tuple(anyInput, likelyFields).chain(([input, other]) =>
    fc.tuple(
      fc.constant(input),
      fc.subarray(Object.keys(other)).map((kept) => {
        const fields = { ...input.fields };
        for (const name of kept) fields[name] = other[name] ?? "";
        return { ...input, fields };
      }),
    ),
  );
  const uidOf = (input: OracleInput) => {
    const { fields, entryId } = input;
    const parsed = parseSignal({ id: entryId, fields }, NOW);
    if (parsed.status !== "valid") return null;
    const { uid } = resolveSignal(parsed.signal, contextFrom({ rows: input.rows }).snapshot);
    return uidOfDecision(uid, decisionOn(fields, input, entryId));
  };
  fc.assert(
    fc.property(shared, ([one, two]) => {
      const [first, second] = [expectedDecision(one).identity, expectedDecision(two).identity];
      expect(uidOf(one) === uidOf(two)).toBe(first === second);
    }),
    { numRuns: 1000 },
  );
});

test("random references and signals lead to every reason", () => {
  const reached = new Set<string | null>();
  for (const input of fc.sample(anyInput, { numRuns: 6000, seed: 1 })) {
    const { reason, outcomes } = expectedDecision(input);
    for (const seen of [reason, ...outcomes.map(([, outcome]) => outcome)]) reached.add(seen);
  }
  // Only the commit finds duplicates.
  const expected = new Set<string | null>([null, "dispatched", ...SIGNAL_REASONS, ...STRATEGY_REASONS]);
  expected.delete("duplicate_uid");
  // Of forced replays alone.
  expected.delete("not_chosen");
  expect(reached).toEqual(expected);
});

test("no rule about opening stops an exit, for any strategy that takes exits", () => {
  const OF_OPENING = ["ticker_disabled", "trade_not_permitted", "open_not_allowed", "ticker_not_allowed"];
  let exits = 0;
  fc.assert(
    fc.property(anyInput, (input) => {
      const { direction, outcomes } = decisionOn(input.fields, input, input.entryId);
      if (direction !== "flat") return;
      exits += outcomes.length;
      for (const { reason } of outcomes) expect(OF_OPENING).not.toContain(reason);
      const free = outcomes.filter(({ strategy_id: id }) => isFree(id, input));
      // Only what stops every signal stops it for these.
      const stopping = new Set(["unknown_ticker", "signal_disabled", "paused"]);
      for (const { reason } of free) expect(reason === null || stopping.has(reason)).toBe(true);
    }),
    { numRuns: 1000 },
  );
  expect(exits).toBeGreaterThan(150);
});

/** Whether the strategy takes exits of any age now. */
function isFree(id: number, { rows, paused }: OracleInput): boolean {
  const strategy = rows.strategies.find((row) => row.id === id);
  if (strategy === undefined || paused.has(id)) return false;
  const { enabled, archived, shadow, exits, exit_age_ms_max } = strategy;
  return enabled && !archived && !shadow && exits && exit_age_ms_max === 0;
}
