import { parseTime, TIME_FORMS } from "../signal/time.ts";
import type { Members } from "../signal/tradingview-alert.ts";
import { keyValueLines, repeatedKey, type BodyFault } from "./parse-body.ts";

/** The members of an alert that is no JSON: `PHRASE TICKER`, with a time behind them or not, or lines `KEY=VALUE`. */
export function textAlert(text: string): TextAlert {
  const trimmed = text.trim();
  if (trimmed === "") return { ok: false, message: `the body is empty: expected ${FORMS}` };
  if (/^[[{]/.test(trimmed))
    return { ok: false, message: `it looks like JSON, which /webhooks/tradingview takes: expected ${FORMS}` };
  const { fields, other } = keyValueLines(text);
  const pairs = Object.entries(fields);
  if (pairs.length === 0) return phraseAndTicker(trimmed);
  if (other?.isRepeated === true) return { ok: false, ...repeatedKey(other) };
  if (other !== undefined)
    return {
      ok: false,
      message: `found ${JSON.stringify(other.text.slice(0, 60))} between lines KEY=VALUE: expected each line to be one`,
      line: other.line,
      column: 1,
    };
  const members = new Map<string, string>();
  for (const [key, value] of pairs) {
    const lower = key.toLowerCase();
    const name = OWN_KEYS.has(lower) ? lower : key;
    if (members.has(name)) return { ok: false, message: `${name} is there twice: expected each key once` };
    members.set(name, value);
  }
  return { ok: true, members: Object.fromEntries(members) };
}

export type TextAlert =
  | { readonly ok: true; readonly members: Members }
  | ({ readonly ok: false } & BodyFault);

const FORMS =
  "EMA_CROSS_LONG BTCUSDT, with a time behind it or not, or lines such as message=EMA_CROSS_LONG and symbol=BTCUSDT";

/** Keys that may be written in capitals as well. */
const OWN_KEYS: ReadonlySet<string> = new Set([
  "message",
  "symbol",
  "time",
  "bar_time",
  "sent_at",
  "source",
  "uid",
  "secret",
]);

function phraseAndTicker(text: string): TextAlert {
  const [message, symbol, ...rest] = text.split(/\s+/);
  if (message === undefined || symbol === undefined)
    return { ok: false, message: `found one word: expected ${FORMS}`, line: 1, column: 1 };
  if (rest.length === 0) return { ok: true, members: { message, symbol } };
  const time = rest.join(" ");
  if (rest.length > 2 || (parseTime(time) === undefined && !/^\{\{[^{}]*\}\}$/.test(time)))
    return {
      ok: false,
      message: `found ${JSON.stringify(time.slice(0, 60))} behind phrase and ticker: expected a time (${TIME_FORMS}) or nothing. A phrase with spaces goes in a line message=…`,
      line: 1,
      column: text.indexOf(rest[0] ?? "", message.length + symbol.length) + 1,
    };
  return { ok: true, members: { message, symbol, time } };
}
