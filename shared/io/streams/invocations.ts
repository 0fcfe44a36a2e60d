import type { Redis } from "ioredis";
import type { Keys } from "../../keys.ts";
import type { InvocationRecord } from "../../records.ts";
import { storable } from "../../text.ts";

/** Publishes an invocation to `signal_results` when it starts and when it ends; from there it gets into the table `invocations`. */
export async function publishInvocation(redis: Redis, keys: Keys, record: InvocationRecord): Promise<void> {
  // Text typed by a person may hold characters that Postgres refuses.
  const data = JSON.stringify(record, (_key, value: unknown) =>
    typeof value === "string" ? storable(value) : value,
  );
  const fields = { kind: "invocation", invocation: record.id, entry_id: "", data };
  await redis.xadd(keys.stream("signal_results"), "*", ...Object.entries(fields).flat());
}
