import { z } from "@hono/zod-openapi";
import { findStrategy, STRATEGY_ID } from "../../shared/find-strategy.ts";
import { strategyRowsOn } from "../../shared/io/status/strategy-rows.ts";
import type { Services } from "../setup/services.ts";
import { Problem } from "./problem.ts";

/** A strategy in a request: its id or its name, which is looked up in the current snapshot. */

const ID_MAX = 2_147_483_647;
const TEXT = `expected the id of a strategy, a whole number from 1 to ${ID_MAX}, or the name of one, such as 4`;
const NAME_LENGTH_MAX = 1_000;

/** As given: a number is an id, a text is a name, such as `007`. */
export const strategySchema = z
  .string(TEXT)
  .trim()
  .min(1, TEXT)
  .max(NAME_LENGTH_MAX, TEXT)
  .transform((text, context): number | string => {
    if (!STRATEGY_ID.test(text)) return text;
    const id = Number(text);
    if (id <= ID_MAX) return id;
    context.addIssue({ code: "custom", message: TEXT });
    return z.NEVER;
  })
  .openapi({ type: "string", minLength: 1, maxLength: NAME_LENGTH_MAX, example: "4" });

/** The id of the given strategy. @throws Problem for a name that no strategy has, or several have */
export async function strategyIdOf(
  given: number | string,
  { redis, keys }: Pick<Services, "redis" | "keys">,
  { status = 422 }: { readonly status?: 404 | 422 } = {},
): Promise<number> {
  if (typeof given === "number") return given;
  const found = findStrategy(
    given,
    await strategyRowsOn(redis, keys)(await redis.get(keys.referenceCurrent)),
  );
  if (found.ok) return found.id;
  const code = status === 404 ? "no_such_strategy" : "invalid_request";
  const hint = "GET /strategies lists them";
  if (status === 404) throw new Problem({ status, code, detail: found.fault, hint });
  const issues = [{ path: "strategy", message: `${found.fault}; ${TEXT}` }];
  throw new Problem({ status, code, detail: "the query is not valid", issues, hint });
}
