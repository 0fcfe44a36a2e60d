import * as z from "zod";
import type { Strategy } from "../../shared/reference/reference.ts";
import { unusableRow } from "../../shared/reference/row-faults.ts";
import type { Detail } from "../../shared/signal/signal.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import { excerpt } from "../../shared/text.ts";

/** Finds the handler that a strategy names, and checks the strategy's params with it. */
export function chooseHandler(
  strategy: Pick<Strategy, "id" | "name" | "handler" | "params" | "faults">,
  handlers: readonly AnyStrategyHandler[],
): ChosenHandler {
  const { handler: name, params } = strategy;
  const unusable = unusableRow(strategy);
  if (unusable !== undefined) {
    const fault = `its row cannot be used: ${unusable.text}`;
    return { ok: false, reason: "unusable_reference_row", fault, detail: unusable.detail };
  }
  const handler = handlers.find((one) => one.name === name);
  if (handler === undefined) {
    const known = handlers.map((one) => one.name).join(", ");
    return {
      ok: false,
      reason: "unknown_handler",
      fault: `there is no handler "${excerpt(name)}"; the handlers are ${known}`,
    };
  }
  const misfit = (error: string): ChosenHandler => {
    const fault = `its params do not fit the handler ${name}: ${withoutValues(error, params)}`;
    return { ok: false, reason: "invalid_params", fault };
  };
  try {
    const parsed = handler.params.safeParse(params);
    return parsed.success
      ? { ok: true, handler, params: parsed.data }
      : misfit(z.prettifyError(parsed.error));
  } catch (error) {
    // A schema is the handler author's code, too.
    return misfit(`its schema threw: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** A handler with the params to run it with, or why the strategy cannot be run. */
export type ChosenHandler =
  | { readonly ok: true; readonly handler: AnyStrategyHandler; readonly params: never }
  | {
      readonly ok: false;
      readonly reason: "unusable_reference_row" | "unknown_handler" | "invalid_params";
      /** For people; contains no value out of `params`. */
      readonly fault: string;
      /** Where the fault is, for the record. */
      readonly detail?: Detail;
    };

/** Messages of zod contain no values; those that a handler's author wrote may. */
function withoutValues(text: string, params: unknown): string {
  let clean = text;
  for (const value of secretsIn(params).toSorted((a, b) => b.length - a.length)) {
    clean = clean.replaceAll(value, "***");
  }
  return clean;
}

/** Every text in the value that is long enough to be a secret. */
function secretsIn(value: unknown): string[] {
  if (typeof value === "string") return value.length < 4 ? [] : [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(secretsIn) : [];
}
