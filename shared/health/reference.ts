import { degraded, notReady, seconds, type Fault, type HealthLimits } from "./fault.ts";

/** What is wrong with the reference that decisions are made on. */
export function referenceFaults({ version, confirmedAgoMs }: ReferenceHealth, limits: HealthLimits): Fault[] {
  if (version === null) return [notReady("there is no reference snapshot, so nothing is decided")];
  if (confirmedAgoMs === null) return [degraded("the reference has never been confirmed")];
  if (confirmedAgoMs <= limits.referenceAgeMsMax) return [];
  const ago = seconds(confirmedAgoMs);
  return [degraded(`the reference has not been confirmed for ${ago}; decisions go on with it`)];
}

export interface ReferenceHealth {
  /** Null when there is none, so that nothing can be decided. */
  readonly version: string | null;
  /** Since it was last found to be that of Postgres, in ms; null when it never was. */
  readonly confirmedAgoMs: number | null;
}
