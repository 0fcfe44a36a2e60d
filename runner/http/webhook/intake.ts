import type { BlockList } from "node:net";
import { blockListOf } from "../../../shared/config/config-values.ts";
import type { WebhookSecrets } from "../../../shared/config/webhook-secrets.ts";
import { uidIn } from "../../../shared/decide/resolve-symbol.ts";
import { NotConfirmedError, type SignalIngest } from "../../../shared/io/streams/signal-ingest.ts";
import type { Snapshot } from "../../../shared/reference/snapshot.ts";
import { BUILT_IN_NAMES } from "../../../shared/source-faults.ts";
import { readAlerts, type AlertReader } from "../../../shared/webhook-source/read-alerts.ts";
import type { Services } from "../../setup/services.ts";
import { isAmong } from "../auth/client-address.ts";
import { Problem } from "../problem.ts";
import { alertReaderOf, refusedAnswer } from "./alert-reader.ts";
import { arrivalMinutes } from "./arrival-minutes.ts";
import { unreadBody } from "./authenticate.ts";
import { intakeSnapshots } from "./intake-snapshot.ts";
import type { WebhookAnswer } from "./openapi.ts";
import { addressNotAllowed, NO_SNAPSHOT, SHADOW } from "./problems.ts";
import type { BodyAnswer, BodyLimits } from "./read-body.ts";

/** Adds the alerts of a body to `signals_stream`. @throws Problem, NotConfirmedError */
export function alertIntake({ services, ingest, secrets, limits }: IntakeDeps): AlertIntake {
  const { config, clock, keys, routing } = services;
  const { webhookAllowCidrs } = config;
  const allowed = webhookAllowCidrs.length > 0 ? blockListOf(webhookAllowCidrs) : undefined;
  const snapshots = intakeSnapshots(routing);
  const minutes = arrivalMinutes();

  return async ({ source: name, client, body, msLeft }) => {
    refuseOthers(name, client, allowed);
    if (keys.suffix !== "") throw new Problem(SHADOW);
    if (body.status !== "read") throw new Problem(unreadBody(body.status, limits));
    // Asked while the alert is added, where that does not need it.
    const asked = snapshots.current({ msMax: Math.min(SNAPSHOT_MS_MAX, msLeft()) });
    const reader = await readerOf(name, asked);

    const now = clock.now();
    const sent = { source: name, body: body.text };
    const arrivalTime = minutes.minuteOf(sent, now);
    const { redact, storedBody } = secrets;
    const options = { redact, storedBody, now, source: name, arrivalTime, snapshot: reader.snapshot };
    const answer = readAlerts(body.text, reader, options);
    if (answer.status !== "accepted") throw new Problem(refusedAnswer(answer, name));

    const { alerts, isList } = answer;
    const ids = await ingest
      .addAll(
        alerts.map(({ fields }) => fields),
        { msMax: msLeft() },
      )
      .catch((error: unknown) => {
        // Alerts of TradingView have the time of their bar.
        if (error instanceof NotConfirmedError && !isTradingView(name)) minutes.keep(sent, arrivalTime, now);
        throw error;
      });
    const snapshot = reader.snapshot ?? (await snapshots.soon(asked));
    const answers = alerts.map(({ signal }, n) => ({
      entry_id: ids[n] ?? "",
      ...(snapshot === undefined ? {} : { uid: uidIn(signal, snapshot) }),
    }));
    return isList ? answers : (answers[0] ?? { entry_id: "" });
  };
}

export type AlertIntake = (request: IntakeRequest) => Promise<WebhookAnswer>;

export interface IntakeRequest {
  readonly source: string;
  readonly client: string | undefined;
  readonly body: BodyAnswer;
  /** Until the answer is due, in ms. */
  readonly msLeft: () => number;
}

export interface IntakeDeps {
  readonly services: Services;
  readonly ingest: SignalIngest;
  readonly secrets: WebhookSecrets;
  readonly limits: BodyLimits;
}

/** The snapshot is read at its first alert, and each time it changes. */
const SNAPSHOT_MS_MAX = 1_000;

function isTradingView(source: string): boolean {
  return source === "tradingview" || source === "tradingview-strategy";
}

/** Sources of the reference have senders of their own, whose addresses may be any. */
function refuseOthers(source: string, client: string | undefined, allowed: BlockList | undefined): void {
  if (allowed === undefined || !BUILT_IN_NAMES.has(source)) return;
  if (client === undefined || !isAmong(allowed, client)) throw new Problem(addressNotAllowed(client));
}

/** How the bodies of a source are read, with the snapshot where that needs one. @throws Problem */
async function readerOf(
  name: string,
  current: Promise<Snapshot | undefined>,
): Promise<AlertReader & { readonly snapshot: Snapshot | undefined }> {
  if (name === "tradingview" || name === "text") return { source: name, snapshot: undefined };
  const snapshot = await current;
  if (snapshot === undefined) throw new Problem(NO_SNAPSHOT);
  return { ...alertReaderOf(name, snapshot), snapshot };
}
