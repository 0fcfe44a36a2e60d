/** Signals in the form of each producer of the old systems, and what becomes of them. */

/** One of them. */
export interface ProducerSignal {
  readonly form: ProducerForm;
  readonly message: string;
  readonly symbol: string;
  /** Status, reason, and the strategies that get a task. */
  readonly decision: string;
}

type Fields = Readonly<Record<string, string>>;

/** The times of a signal, in UTC without zone: `2026-11-30T10:55:00` and `2026-11-30T10:59:58.123456`. */
interface Times {
  readonly bar: string;
  readonly now: string;
}

/** The same moment as a clock in Moscow shows it. */
const inMoscow = (time: string): string =>
  new Date(Date.parse(`${time}Z`) + 3 * 3_600_000).toISOString().slice(0, 19);
const zulu = ({ bar, now }: Times): Fields => ({
  bar_time: `${bar}Z`,
  sent_at: `${now}Z`,
  received_at: now,
  source: "indicator",
});

/** The fields beside `message` and `symbol`; none has a `uid`. */
const FORMS = {
  zulu,
  offset: ({ bar, now }) => ({ bar_time: `${bar}+00:00`, sent_at: `${now}+00:00`, received_at: now }),
  naive: ({ bar, now }) => ({ bar_time: `${bar}.000000`, sent_at: now, received_at: now }),
  sparse: ({ bar }) => ({ bar_time: `${bar}Z`, sent_at: "", received_at: "", source: "" }),
  old_webhook: ({ bar, now }) => ({
    bar_time: `${inMoscow(bar)}+03:00Z`,
    sent_at: `${inMoscow(now)}+03:00Z`,
    received_at: `${inMoscow(now)}+03:00Z`,
    source: "webhook",
  }),
  decided: (times) => ({ ...zulu(times), decision_time: times.now }),
  mirrored: (times) => ({ ...zulu(times), mirror_run_id: "7f3a", raw_message: '{"text": "up"}' }),
  without_bar: ({ now }) => ({ bar_time: "", sent_at: `${now}Z`, received_at: now }),
  unreadable_bar: ({ now }) => ({ bar_time: "last bar", sent_at: `${now}Z`, received_at: now }),
} as const satisfies Record<string, (times: Times) => Fields>;

export type ProducerForm = keyof typeof FORMS;

/** A signal as its producer writes it, with the bar and the moment of `times`. */
export function producedFields({ form, message, symbol }: ProducerSignal, times: Times): Fields {
  return { message, symbol, ...FORMS[form](times) };
}

const signals = (
  rows: readonly (readonly [form: ProducerForm, message: string, symbol: string, decision: string])[],
): readonly ProducerSignal[] =>
  rows.map(([form, message, symbol, decision]) => ({ form, message, symbol, decision }));

/** For the rows of v4.sql. */
export const V4_SIGNALS = signals([
  ["zulu", "EMA_LONG", "BTCUSDT", "dispatched 1 2 4 11"],
  ["offset", "EMA_SHORT", "ETHUSDT", "dispatched 1 2 3 4"],
  ["naive", "CONTRARY_LONG", "BTCUSDT", "dispatched 14"],
  ["sparse", "NAMELESS_LONG", "BTCUSDT", "dispatched 20"],
  ["old_webhook", "ONLY_SHORT", "BTCUSDT", "dispatched 13"],
  ["decided", "TWICE_A", "BTCUSDT", "dispatched 19"],
  ["mirrored", "COPY_SHORT", "INAUSDT", "dispatched 11"],
  ["without_bar", "EMA_SHORT", "BTCUSDT", "rejected missing_field"],
  ["unreadable_bar", "EMA_SHORT", "BTCUSDT", "rejected invalid_field"],
  // In lower case, for a phrase and a symbol that are written so in the old tables, and for others.
  ["zulu", "ema_short", "btcusdt.p", "dispatched 1 2 4"],
  ["naive", "LOWER_LONG", "LOWUSDT", "dispatched 17"],
  // Repeats, of which two are written in another way than the first time.
  ["zulu", "EMA_LONG", "BTCUSDT", "duplicate duplicate_uid"],
  ["naive", "ema_long", "BTCUSDT.P", "duplicate duplicate_uid"],
  ["sparse", "ONLY_SHORT", "BTCUSDT", "duplicate duplicate_uid"],
  ["offset", "ONLY_LONG", "BTCUSDT", "ignored ambiguous_phrase"],
  ["decided", "OFF_LONG", "BTCUSDT", "ignored signal_disabled"],
  ["decided", "NULL_LONG", "BTCUSDT", "ignored signal_disabled"],
  ["mirrored", "UNUSED_LONG", "BTCUSDT", "ignored no_strategies"],
  ["sparse", "NO_SUCH_PHRASE", "BTCUSDT", "ignored unknown_phrase"],
  ["old_webhook", "EMA_LONG", "OFFUSDT", "ignored ticker_disabled"],
  ["zulu", "EMA_LONG", "NULUSDT", "ignored ticker_disabled"],
  ["zulu", "EMA_LONG", "NOPUSDT", "ignored trade_not_permitted"],
  ["zulu", "EMA_LONG", "NEWUSDT", "ignored unknown_ticker"],
]);

/** For the rows of v2.sql. */
export const V2_SIGNALS = signals([
  ["zulu", "EMA_LONG", "BTCUSDT", "dispatched 1 2 3"],
  ["offset", "EMA_SHORT", "ETHUSDT", "dispatched 1 2 3"],
  ["naive", "EXIT_LONG", "BTCUSDT", "dispatched 7"],
  ["sparse", "BOTH_LONG", "BTCUSDT", "dispatched 1"],
  ["old_webhook", "EMA_2_LONG", "BTCUSDT", "dispatched 2"],
  ["decided", "EXIT_LONG", "ETHUSDT", "dispatched 7"],
  ["mirrored", "ema_2_long", "ethusdt", "dispatched 2"],
  ["without_bar", "EMA_LONG", "ETHUSDT", "rejected missing_field"],
  ["unreadable_bar", "EMA_LONG", "ETHUSDT", "rejected invalid_field"],
  ["zulu", "EMA_LONG", "BTCUSDT", "duplicate duplicate_uid"],
  ["mirrored", "OFF_LONG", "BTCUSDT", "ignored signal_disabled"],
  // Of v1, which is in the same database.
  ["naive", "OLD_LONG", "BTCUSDT", "ignored unknown_phrase"],
  ["offset", "EMA_LONG", "OFFUSDT", "ignored ticker_disabled"],
  ["sparse", "EMA_LONG", "NULUSDT", "ignored trade_not_permitted"],
]);
