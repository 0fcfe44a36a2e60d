import type { NotConfirmedError } from "../../../shared/io/streams/signal-ingest.ts";
import { shadowRefusal, TAKES_NO_SIGNALS } from "../../engine/shadow-refused.ts";
import type { ProblemOptions } from "../problem.ts";

/** Why the alerts of a webhook are refused, whatever is in them. */

export const SHADOW = {
  status: 409,
  code: "shadow_router",
  detail: shadowRefusal(TAKES_NO_SIGNALS),
  hint: "send alerts to the router that trades: this one decides them as well",
} as const;

export const NO_SNAPSHOT = {
  status: 503,
  code: "snapshot_missing",
  detail: "there is no reference snapshot yet, and without it this source cannot read alerts",
  hint: "send the alert again: the snapshot is made as soon as Postgres can be read",
} as const;

/** The problem with a source that has a secret and nothing else; its name is that of a variable. */
export function unknownSource(name: string): ProblemOptions {
  return {
    status: 404,
    code: "unknown_source",
    detail: `the reference has no webhook source ${name} that can be used`,
    hint: `add it with \`cli reference add source ${name} …\`; what is wrong with one that is there is an event of the refresh`,
  };
}

export function disabledSource(name: string): ProblemOptions {
  return {
    status: 409,
    code: "source_disabled",
    detail: `the webhook source ${name} is disabled`,
    hint: `switch it on with \`cli reference set source ${name} enabled=true\``,
  };
}

export function addressNotAllowed(client: string | undefined): ProblemOptions {
  return {
    status: 403,
    code: "address_not_allowed",
    detail: `${client ?? "an unknown address"} is not in WEBHOOK_ALLOW_CIDRS`,
    hint: "if the router is behind a proxy, list the proxy in TRUSTED_PROXIES",
  };
}

const UNCONFIRMED = {
  status: 503,
  code: "not_confirmed",
  detail: "Redis has not confirmed the signal in time",
  hint: "send the alert again: if both arrive, only one is traded",
} as const;

export function unconfirmed({ refusal, lacksReplicas, message }: NotConfirmedError): ProblemOptions {
  if (lacksReplicas) return { ...UNCONFIRMED, detail: `too few replicas have the signal: ${message}` };
  if (refusal === undefined) return UNCONFIRMED;
  const { meaning, said } = refusal;
  return { ...UNCONFIRMED, detail: `${meaning}, so the signal was not accepted (Redis said: ${said})` };
}
