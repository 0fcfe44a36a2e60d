import type { Redis } from "ioredis";
import { findStrategy } from "../../shared/io/status/find-strategy.ts";
import type { Keys } from "../../shared/keys.ts";
import { CliError } from "./connection.ts";

/** The id of the strategy that was typed, by id or name. @throws CliError for a name that none has, or several have */
export async function namedStrategy(
  connection: { readonly redis: Redis; readonly keys: Keys },
  typed: string,
): Promise<number> {
  const found = await findStrategy(connection, typed);
  if (found.ok) return found.id;
  throw new CliError(`${found.error}; type the id or name of a strategy, or nothing for all of them`);
}
