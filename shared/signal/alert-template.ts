/**
 * The message of an alert in TradingView for one phrase, ready to paste: one line of JSON. With `eachCrossing` its uid has the second
 * in which the alert fires, so that two alerts of one bar are two signals; otherwise they are one, and the second is a duplicate.
 */
export function alertTemplate(
  phrase: string,
  { eachCrossing = false }: { readonly eachCrossing?: boolean } = {},
): string {
  return jsonLine({
    message: phrase,
    symbol: "{{ticker}}",
    time: "{{time}}",
    sent_at: "{{timenow}}",
    ...(eachCrossing ? { uid: `${phrase} {{ticker}} {{timenow}}` } : {}),
  });
}

/** The same for the orders of a Pine strategy, which the source `tradingview-strategy` reads; any phrase names the signal. */
export function strategyAlertTemplate(phrase: string): string {
  return jsonLine({
    signal: phrase,
    symbol: "{{ticker}}",
    time: "{{time}}",
    timenow: "{{timenow}}",
    order_id: "{{strategy.order.id}}",
    action: "{{strategy.order.action}}",
    prev_market_position: "{{strategy.prev_market_position}}",
    market_position: "{{strategy.market_position}}",
    qty: "{{strategy.order.contracts}}",
    price: "{{strategy.order.price}}",
  });
}

/** The same as text, for the source `text`: a line, or a line for each field where the phrase has spaces or looks like such a line. */
export function textTemplate(phrase: string): string {
  return /[\s=]/.test(phrase) || /^[[{]/.test(phrase)
    ? `message=${phrase}\nsymbol={{ticker}}\ntime={{time}}`
    : `${phrase} {{ticker}} {{time}}`;
}

function jsonLine(members: Readonly<Record<string, string>>): string {
  const parts = Object.entries(members).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{ ${parts.join(", ")} }`;
}
