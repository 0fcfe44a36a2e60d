import type { Context } from "hono";
import type { SignalIngest } from "../../shared/io/streams/signal-ingest.ts";
import type { Services } from "../setup/services.ts";

/** What the routes of the app work with. */
export interface HttpDeps {
  readonly services: Services;
  /** HTTP_TOKEN */
  readonly token: string;
  /** Address of the peer, as the platform reports it. */
  readonly peerAddressOf: (c: Context) => string | undefined;
  /** Adds the webhook's alerts to the stream; needed with WEBHOOK_SECRET. The caller closes it. */
  readonly ingest?: SignalIngest | undefined;
}
