import { fault, ok, warning, type Remark } from "./remark.ts";

/** Whether a Redis has the replicas that must have what is written; asked at the start and by `cli check`. */
export function replicasRemark({ replicas, refusesAlone }: ReplicaFacts, replicasMin: number): Remark {
  if (replicas === undefined) {
    return replicasMin === 0
      ? ok("the server does not report its replicas; REDIS_REPLICAS_MIN is 0, so none is waited for")
      : fault(
          `REDIS_REPLICAS_MIN is ${replicasMin}, and INFO is not permitted or says nothing about replicas, so it is not known which server has confirmed: allow it with ACL SETUSER <user> +info +wait, or set REDIS_REPLICAS_MIN=0`,
        );
  }
  const found = `Redis has ${replicas} ${replicas === 1 ? "replica" : "replicas"}, and REDIS_REPLICAS_MIN is ${replicasMin}`;
  if (replicasMin === 0) {
    return replicas === 0
      ? ok(`${found}: there is no fail-over that could lose what was acknowledged`)
      : warning(
          `${found}: a fail-over may lose signals, tasks and pauses that Redis has just acknowledged; set REDIS_REPLICAS_MIN=1 to have them confirmed`,
        );
  }
  if (replicas < replicasMin) {
    return warning(
      `${found}: no signal is accepted and no task is begun until there are more; start replicas, or set a lower REDIS_REPLICAS_MIN`,
    );
  }
  if (replicas === replicasMin) {
    return warning(
      `${found}: whenever one of them restarts, no signal is accepted and no task is begun until it is back; add a replica${beside(refusesAlone, replicasMin)}`,
    );
  }
  return ok(`${found}${beside(refusesAlone, replicasMin)}`);
}

/** What a Redis reports about its replicas. */
export interface ReplicaFacts {
  /** Those that follow it now; undefined when it does not say so. */
  readonly replicas: number | undefined;
  /** Whether it refuses writes while too few replicas follow it. */
  readonly refusesAlone: boolean;
}

function beside(refusesAlone: boolean, replicasMin: number): string {
  return refusesAlone
    ? ""
    : `; with CONFIG SET min-replicas-to-write ${replicasMin} a primary that is cut off from them also refuses the writes of other programs`;
}
