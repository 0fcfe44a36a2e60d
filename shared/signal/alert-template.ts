/**
 * The message of an alert in TradingView for one phrase, ready to paste: one line of JSON. With `eachCrossing` its uid has the second
 * in which the alert fires, so that two alerts of one bar are two signals; otherwise they are one, and the second is a duplicate.
 */
export function alertTemplate(
  phrase: string,
  { eachCrossing = false }: { readonly eachCrossing?: boolean } = {},
): string {
  const members = {
    message: phrase,
    symbol: "{{ticker}}",
    time: "{{time}}",
    sent_at: "{{timenow}}",
    ...(eachCrossing ? { uid: `${phrase} {{ticker}} {{timenow}}` } : {}),
  };
  const parts = Object.entries(members).map(([name, value]) => `"${name}": ${JSON.stringify(value)}`);
  return `{ ${parts.join(", ")} }`;
}
