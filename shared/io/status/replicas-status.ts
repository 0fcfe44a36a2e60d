import { messageOf } from "../../error-message.ts";
import type { ReplicasHealth } from "../../health/replicas.ts";
import type { Confirm } from "../redis/confirm.ts";

/** Asks the replicas, as is done before a task is begun; where none must have anything, nothing is asked. Never rejects. */
export async function readReplicasHealth(confirm: Confirm): Promise<ReplicasHealth> {
  return confirm().then(
    () => ({}),
    (error: unknown) => ({ lacking: messageOf(error) }),
  );
}
