import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";
import type { InvocationRecord } from "../../records.ts";
import { storable } from "../../text.ts";

/** Publishes an invocation, when it begins and when it ends, on its way to the table `invocations`. */
export async function publishInvocation(redis: Redis, keys: Keys, record: InvocationRecord): Promise<void> {
  // A person's text may hold what Postgres does not take.
  const data = JSON.stringify(record, (_key, value: unknown) =>
    typeof value === "string" ? storable(value) : value,
  );
  const fields = { kind: "invocation", invocation: record.id, entry_id: "", data };
  await redis.xadd(keys.stream("signal_results"), "*", ...Object.entries(fields).flat());
}
