import type { Context } from "hono";
import type { SignalIngest } from "../../shared/io/streams/signal-ingest.ts";
import type { Services } from "../setup/services.ts";

/** What the routes of the app work with. */
export interface HttpDeps {
  readonly services: Services;
}

/** An app that is asked over a network: by clients with the token, by senders of alerts, and by anybody else. */
export interface NetworkDeps extends HttpDeps {
  /** HTTP_TOKEN */
  readonly token: string;
  /** Address of the peer, as the platform reports it. */
  readonly peerAddressOf: (c: Context) => string | undefined;
  /** Adds the alerts of webhooks to the stream; needed when a webhook has a secret. The caller closes it. */
  readonly ingest?: SignalIngest | undefined;
}

/**
 * An app that only the owner of the data folder can ask, over a socket in it or in the same process: no request needs a token,
 * none is limited, and it takes no alerts.
 */
export interface OwnerDeps extends HttpDeps {
  readonly askedBy: "owner";
}

export type AppDeps = NetworkDeps | OwnerDeps;
