import type { Side } from "../reference/reference.ts";
import type { Snapshot } from "../reference/snapshot.ts";
import { READ_FIELDS } from "../signal/extra.ts";
import { foldPhrase, type FieldFault } from "../signal/signal.ts";
import { memberText, readAlert, type IntakeAnswer, type Members } from "../signal/tradingview-alert.ts";
import { redacted, withSourceUid, type SourceOptions } from "./apply-source.ts";
import { isMembers } from "./body-value.ts";
import { phraseFor, signalNamed } from "./signal-phrases.ts";
import { uidTextFault } from "./source-uid.ts";

/**
 * The alert of a TradingView strategy as the fields of a signal. What it means follows from the position before and after the order;
 * `signal`, any phrase of a signal, says whose phrase that is.
 */
export function strategyAlert(alert: Members, snapshot: Snapshot, options: SourceOptions): StrategyAnswer {
  const faults: FieldFault[] = [];
  const textOf = (field: string): string => {
    const value = Object.hasOwn(alert, field) ? alert[field] : undefined;
    if (value === undefined || value === null) return "";
    const text = memberText(field, value);
    if (typeof text === "string" && !isMembers(value) && !Array.isArray(value)) return text.trim();
    faults.push({ field, reason: "invalid_field", expected: "a text" });
    return "";
  };
  for (const field of ["message", "uid"])
    if (textOf(field) !== "")
      faults.push({ field, reason: "invalid_field", expected: MADE_HERE, given: textOf(field) });

  const orderId = textOf("order_id");
  const firedAt = textOf("timenow");
  for (const [field, text] of [
    ["order_id", orderId],
    ["timenow", firedAt],
  ] as const) {
    const fault = uidTextFault(text);
    if (fault !== undefined) faults.push(ofUid(field, text, fault));
  }
  const change = changeOf(alert, textOf);
  const phrase = "fault" in change ? undefined : phraseOfChange(change, textOf("signal"), snapshot);
  if ("fault" in change) faults.push(change.fault);
  else if (phrase !== undefined && "fault" in phrase) faults.push(phrase.fault);

  const rest = Object.entries(alert).filter(
    ([name]) => !OWN.has(name) && (!READ_FIELDS.has(name) || KEPT.has(name)),
  );
  const message = phrase !== undefined && "text" in phrase ? phrase.text : PLACEHOLDER;
  const answer = readAlert(
    Object.fromEntries([["message", message], ...rest, ["sent_at", firedAt]]),
    options,
  );
  if (answer.status === "refused") {
    const known = new Set(faults.map(({ field }) => field));
    faults.push(...answer.faults.filter(({ field }) => !known.has(field)));
  }
  const [fault, ...others] = faults;
  const cause = fault === undefined || others.length > 0 ? undefined : causeOf(change, phrase);
  if (faults.length > 0 || answer.status === "refused")
    return { status: "refused", faults: faults.map((each) => redacted(each, options)), cause };
  return withSourceUid(answer, { source: options.source, texts: [orderId, firedAt], hasTime: true });
}

export type StrategyAnswer = IntakeAnswer & { readonly cause?: OrderCause | undefined };

/**
 * What alone is wrong with an order that could be read: it changes the size of a position, and not its side; or it closes one, and its
 * signal has no phrase for that.
 */
export type OrderCause = "size_change" | "no_exit_phrase";

/** When nothing else is wrong. */
function causeOf(change: Change, phrase: PhraseOfChange | undefined): OrderCause | undefined {
  if ("fault" in change) return change.isSizeChange === true ? "size_change" : undefined;
  const isWithoutExit = phrase !== undefined && "fault" in phrase && phrase.isWithoutExit === true;
  return isWithoutExit ? "no_exit_phrase" : undefined;
}

/** Members that are read here, or are no field of the signal. */
const OWN: ReadonlySet<string> = new Set(["signal", "timenow", "map"]);
const KEPT: ReadonlySet<string> = new Set(["symbol", "time", "bar_time", "source"]);
const PLACEHOLDER = "unknown";
const MADE_HERE =
  "no such member: this source makes it from `signal`, the positions, `order_id` and `timenow`";
const POSITIONS = ["long", "short", "flat"] as const;
type Position = (typeof POSITIONS)[number];

type Change =
  | { readonly opens: Side }
  | { readonly closes: Side }
  | { readonly mapped: string; readonly by: string }
  | { readonly fault: FieldFault; readonly isSizeChange?: boolean };

/** What the order did to the position. */
function changeOf(alert: Members, textOf: (field: string) => string): Change {
  const before = textOf("prev_market_position").toLowerCase();
  const after = textOf("market_position").toLowerCase();
  if (before === "" && after === "") return changeByAction(alert, textOf("action"));
  for (const [field, given] of [
    ["prev_market_position", before],
    ["market_position", after],
  ] as const)
    if (!isPosition(given)) return { fault: positionFault(field, given) };
  if (before !== after) {
    if (after === "flat") return { closes: before === "short" ? "short" : "long" };
    return { opens: after === "short" ? "short" : "long" };
  }
  if (after === "flat")
    return { fault: { ...positionFault("market_position", after), expected: FLAT_TWICE } };
  const mapped = mapOf(alert, "size_change");
  if (mapped !== undefined) return { mapped, by: "size_change" };
  const fault = {
    field: "market_position",
    reason: "invalid_field",
    expected: SIZE_CHANGE,
    given: after,
  } as const;
  return { fault, isSizeChange: true };
}

function changeByAction(alert: Members, action: string): Change {
  const name = action.toLowerCase();
  const mapped = name === "buy" || name === "sell" ? mapOf(alert, name) : undefined;
  if (mapped !== undefined) return { mapped, by: name };
  if (action === "")
    return { fault: { field: "market_position", reason: "missing_field", expected: EXPECTED_POSITIONS } };
  const expected = `the positions as well, or in "map" the phrase for it, such as "map": {"buy": "EMA_CROSS_LONG"}: without the positions it is not known whether the order opens or closes`;
  return { fault: { field: "action", reason: "invalid_field", expected, given: action } };
}

const EXPECTED_POSITIONS =
  '"prev_market_position": "{{strategy.prev_market_position}}" and "market_position": "{{strategy.market_position}}"';
const SIZE_CHANGE =
  'another position than before: the order only changes the size. To act on that, name a phrase in the body: "map": {"size_change": "…"}';
const FLAT_TWICE = "another position than before: flat after flat changes nothing";

/** The phrase that the body's own map has for a change. */
function mapOf(alert: Members, name: string): string | undefined {
  const map = Object.hasOwn(alert, "map") ? alert["map"] : undefined;
  const phrase = isMembers(map) && Object.hasOwn(map, name) ? map[name] : undefined;
  return typeof phrase === "string" && phrase.trim() !== "" ? phrase.trim() : undefined;
}

type PhraseOfChange =
  | { readonly text: string }
  | { readonly fault: FieldFault; readonly isWithoutExit?: boolean };

function phraseOfChange(
  change: Exclude<Change, { fault: FieldFault }>,
  signal: string,
  snapshot: Snapshot,
): PhraseOfChange {
  if ("mapped" in change) {
    if (snapshot.subscriptions.has(foldPhrase(change.mapped))) return { text: change.mapped };
    const expected = "a phrase of a signal of this router";
    return { fault: { field: `map.${change.by}`, reason: "invalid_field", expected, given: change.mapped } };
  }
  const named = signalNamed(signal, snapshot);
  return "fault" in named ? named : phraseFor(named.id, change, snapshot);
}

function isPosition(text: string): text is Position {
  return POSITIONS.some((position) => position === text);
}

function positionFault(field: string, given: string): FieldFault {
  const expected = `long, short or flat, as {{strategy.${field}}} gives it`;
  return given === ""
    ? { field, reason: "missing_field", expected }
    : { field, reason: "invalid_field", expected, given };
}

function ofUid(field: string, given: string, why: string): FieldFault {
  const placeholder = field === "order_id" ? "{{strategy.order.id}}" : "{{timenow}}";
  const expected = `the value of ${placeholder}, which tells orders apart: it ${why}`;
  return given === ""
    ? { field, reason: "missing_field", expected }
    : { field, reason: "invalid_field", expected, given };
}
