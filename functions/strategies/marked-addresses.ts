import { markedParams } from "../../shared/marked-params.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";

/** The addresses in the params of a strategy, as its handler marks them; as far as they are found also when the params do not fit. */
export function markedAddresses(
  { handler: name, params }: { readonly handler: string; readonly params: unknown },
  handlers: readonly AnyStrategyHandler[],
): readonly string[] {
  const handler = handlers.find((one) => one.name === name);
  if (handler === undefined) return [];
  return markedParams(handler.params, params).flatMap(({ use, value }) => (use === "address" ? [value] : []));
}
