import type { ClientRequest, IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";

/**
 * A request with the connection it goes over. Not one byte is written before {@link send}, so that until then it is certain
 * that nothing has arrived.
 */
export class PostConnection {
  readonly #open: () => ClientRequest;
  #outgoing: ClientRequest;
  #failed: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;
  #isCutOff = false;

  /** `open` makes the request, and with it a connection if none is kept alive. */
  constructor(open: () => ClientRequest) {
    this.#open = open;
    [this.#outgoing, this.#failed] = this.#opened();
  }

  /** Resolves when there is a connection, over TLS if that is asked for. @throws what went wrong */
  async ready(): Promise<void> {
    for (;;) {
      const outgoing = this.#outgoing;
      try {
        return await Promise.race([connected(outgoing), this.#failed]);
      } catch (error) {
        // The receiver has closed a connection that was kept alive: nothing was sent, so another one is taken.
        if (!outgoing.reusedSocket || this.#isCutOff) throw error;
        [this.#outgoing, this.#failed] = this.#opened();
      }
    }
  }

  /** Writes the request and waits for the head of the answer. @throws what went wrong */
  async send(body: string): Promise<IncomingMessage> {
    const outgoing = this.#outgoing;
    const answered = new Promise<IncomingMessage>((resolve) => outgoing.once("response", resolve));
    outgoing.end(body);
    return Promise.race([answered, this.#failed]);
  }

  /** Ends it now: what waits for it fails. */
  cutOff(): void {
    this.#isCutOff = true;
    this.#outgoing.destroy();
    this.#fail(new Error("cut off"));
  }

  get isCutOff(): boolean {
    return this.#isCutOff;
  }

  /** Leaves the connection to the next request if this one is over, and closes it otherwise. */
  close(): void {
    // Also when the answer came first: the receiver may never read the rest of the request.
    if (!this.#outgoing.writableFinished) this.#outgoing.destroy();
  }

  #opened(): [ClientRequest, Promise<never>] {
    const outgoing = this.#open();
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
      outgoing.on("error", reject);
    });
    // It is raced against; a failure after the answer concerns the rest of the answer only.
    failed.catch(() => undefined);
    return [outgoing, failed];
  }
}

async function connected(outgoing: ClientRequest): Promise<void> {
  await new Promise<void>((resolve) => {
    outgoing.once("socket", (socket) => {
      // After one whole turn of the event loop it is known whether the receiver has closed a connection that was kept alive.
      if (outgoing.reusedSocket) setImmediate(() => setImmediate(resolve));
      else socket.once(socket instanceof TLSSocket ? "secureConnect" : "connect", resolve);
    });
  });
}
