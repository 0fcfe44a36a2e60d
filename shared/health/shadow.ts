import { TAKES_SIGNALS } from "../config/shadow-settings.ts";
import { degraded, type Fault } from "./fault.ts";

/** What is wrong with a shadow: without names of its own it takes the signals away from the router that trades. */
export function shadowFaults({ isShadow, suffix }: ShadowHealth): Fault[] {
  return isShadow && suffix === "" ? [degraded(TAKES_SIGNALS)] : [];
}

export interface ShadowHealth {
  /** SHADOW of the routers that read the groups. */
  readonly isShadow: boolean;
  /** GROUP_SUFFIX. */
  readonly suffix: string;
}
