import * as z from "zod";
import type { Strategy } from "../../shared/reference/reference.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import { excerpt } from "../../shared/text.ts";

/** A strategy's handler with the params it is to be run with, or why it cannot be run. */
export type ChosenHandler =
  | { readonly ok: true; readonly handler: AnyStrategyHandler; readonly params: never }
  | {
      readonly ok: false;
      readonly reason: "unknown_handler" | "invalid_params";
      /** For people; no value out of `params` is in it. */
      readonly fault: string;
    };

/** The handler a strategy names, if there is one and its params fit. */
export function chooseHandler(
  { handler: name, params }: Pick<Strategy, "handler" | "params">,
  handlers: readonly AnyStrategyHandler[],
): ChosenHandler {
  const handler = handlers.find((one) => one.name === name);
  if (handler === undefined) {
    const known = handlers.map((one) => one.name).join(", ");
    return {
      ok: false,
      reason: "unknown_handler",
      fault: `there is no handler "${excerpt(name)}", only ${known}`,
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
    // A schema is a user's code too.
    return misfit(`its schema threw: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Messages of zod hold no values; those a handler's author wrote may. */
function withoutValues(text: string, params: unknown): string {
  let clean = text;
  for (const value of textsIn(params).toSorted((a, b) => b.length - a.length)) {
    clean = clean.replaceAll(value, "***");
  }
  return clean;
}

/** Every text in the value that is long enough to be a secret. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return value.length < 4 ? [] : [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(textsIn) : [];
}
