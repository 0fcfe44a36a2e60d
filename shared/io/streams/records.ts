import type { Redis } from "ioredis";
import type { Fields } from "../../entry.ts";
import type { Keys } from "../../keys.ts";
import { addWhenFull } from "./add-when-full.ts";

/** Publishes a record to `signal_results` outside a commit, where twice is harmless; false when Redis did not confirm it. */
export async function publishRecord(redis: Redis, keys: Keys, fields: Fields): Promise<boolean> {
  return addWhenFull(redis, keys.stream("signal_results"), { fields, lengthMax: Infinity }).then(
    () => true,
    () => false,
  );
}
