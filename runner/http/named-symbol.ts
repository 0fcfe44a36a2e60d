import { tickerOf } from "../../shared/decide/resolve-symbol.ts";
import { normaliseSymbol, recordedSymbol } from "../../shared/signal/signal.ts";
import type { Services } from "../setup/services.ts";

/**
 * The symbol that records have for what a person types, such as an alias: that of its ticker in the current snapshot. Where it is
 * none, or there is no snapshot, it is normalised like the symbol of a signal.
 */
export async function symbolInRecords(text: string, { routing }: Pick<Services, "routing">): Promise<string> {
  const context = await routing.latest();
  const ticker = "status" in context ? undefined : tickerOf(text, context.snapshot);
  return recordedSymbol(ticker ?? normaliseSymbol(text));
}

/** The same of a filter that may be absent. */
export async function meantSymbol(
  text: string | undefined,
  services: Pick<Services, "routing">,
): Promise<{ readonly symbol?: string }> {
  return text === undefined ? {} : { symbol: await symbolInRecords(text, services) };
}
