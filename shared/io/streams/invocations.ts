import type { Redis } from "ioredis";
import type { Fields } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import type { InvocationRecord } from "../../records.ts";
import { storable } from "../../text.ts";
import { addWhenFull } from "./add-when-full.ts";

/**
 * Publishes an invocation to `signal_results` when it starts and when it ends; from there it gets into the table `invocations`. A
 * Redis that has reached maxmemory refuses the start and takes the end.
 */
export async function publishInvocation(redis: Redis, keys: Keys, record: InvocationRecord): Promise<void> {
  const fields = invocationFields(record);
  const key = keys.stream("signal_results");
  if (record.finished_at === null) await redis.xadd(key, "*", ...Object.entries(fields).flat());
  else await addWhenFull(redis, key, { fields, lengthMax: Infinity });
}

/** The fields of its record in `signal_results`. */
export function invocationFields(record: InvocationRecord): Fields {
  // Text typed by a person may hold characters that Postgres refuses.
  const data = JSON.stringify(record, (_key, value: unknown) =>
    typeof value === "string" ? storable(value) : value,
  );
  return { kind: "invocation", invocation: record.id, entry_id: "", data };
}
