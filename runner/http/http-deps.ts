import type { Context } from "hono";
import type { SignalIngest } from "../../shared/io/streams/signal-ingest.ts";
import type { Services } from "../setup/services.ts";

export interface HttpDeps {
  readonly services: Services;
  /** HTTP_TOKEN */
  readonly token: string;
  /** Address of the peer, as the platform knows it. */
  readonly peerAddressOf: (c: Context) => string | undefined;
  /** Takes in what the webhook receives; needed with WEBHOOK_SECRET. Whoever opened it closes it. */
  readonly ingest?: SignalIngest | undefined;
}
