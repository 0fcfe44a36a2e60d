import { createConnection, Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { AbstractConnector } from "ioredis";
import { toError } from "../../error-message.ts";
import { isSame } from "./choose-primary.ts";
import type { Follower } from "./follower.ts";
import type { FoundPrimary } from "./primary-lookup.ts";

/** What ioredis connects through: looks for the primary before each connection, the first and every one after it. */
export function connectorTo(follower: Follower) {
  return class PrimaryConnector extends AbstractConnector {
    #abandon = new AbortController();
    #found: FoundPrimary | undefined;
    #runId: string | undefined;

    constructor(options: unknown) {
      super((options as { readonly disconnectTimeout: number }).disconnectTimeout);
    }

    /** Never rejects: with that an ioredis client ends for good. A destroyed socket makes it try again. */
    override async connect(): Promise<typeof this.stream> {
      this.connecting = true;
      this.#abandon = new AbortController();
      const { signal } = this.#abandon;
      try {
        const found = await follower.find(signal);
        signal.throwIfAborted();
        this.#found = found;
        this.#runId = undefined;
        this.stream = this.#open(found);
      } catch (error) {
        this.firstError = toError(error);
        this.stream = new Socket().destroy();
      }
      return this.stream;
    }

    #open({ server }: FoundPrimary): Socket {
      const { tls, family } = follower.target;
      const { host, port, servername } = server;
      const at = { host, port, ...(family === undefined ? {} : { family }) };
      const named = servername === undefined ? {} : { servername };
      const stream = tls ? connectTls({ ...at, ...named }) : createConnection(at);
      stream.once("error", (error) => {
        this.firstError = error;
      });
      const stopWatching = follower.watch({
        isOther: (found) => this.#isOther(found),
        leave: (error) => stream.destroy(error),
      });
      stream.once("close", stopWatching);
      return stream;
    }

    #isOther({ server, runId, isPrimary }: FoundPrimary): boolean {
      if (!isPrimary || this.#found === undefined) return false;
      if (runId !== undefined && this.#runId !== undefined) return runId !== this.#runId;
      return !isSame(server, this.#found.server);
    }

    /** @param info what INFO says, as far as the user may run it */
    override check(info: { readonly role?: string; readonly run_id?: string }): boolean {
      this.#runId = info.run_id;
      return info.role === undefined || info.role === "master" || this.#found?.isPrimary === false;
    }

    #isGone(): boolean {
      const stream = this.stream as Socket | undefined;
      return stream === undefined || stream.destroyed;
    }

    override disconnect(): void {
      this.#abandon.abort(new Error("Connection is closed."));
      // Of a destroyed socket no event comes that would end its timer.
      if (this.#isGone()) this.connecting = false;
      else super.disconnect();
    }
  };
}
