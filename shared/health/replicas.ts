import { notReady, type Fault } from "./fault.ts";

/** Too few replicas: signals in the stream are decided, but none is accepted by the webhook and no task is begun, so nothing trades. */
export function replicasFaults(replicas: ReplicasHealth | undefined): Fault[] {
  if (replicas?.lacking === undefined) return [];
  return [
    notReady(
      `no signal is accepted by the webhook and no task is begun, so nothing is traded; signals that are in the stream are decided. Too few replicas of Redis have what it has taken: ${replicas.lacking}. Start its replicas, or set a lower REDIS_REPLICAS_MIN and restart the routers`,
    ),
  ];
}

/** Whether the replicas that REDIS_REPLICAS_MIN asks for have what was written. */
export interface ReplicasHealth {
  /** Why they have not; absent: they have. */
  readonly lacking?: string;
}
