/** Counts requests, so that what they use can be closed after the last of them. */
export function requestsInFlight(): RequestsInFlight {
  const inFlight = new Set<symbol>();
  const waiting = new Set<() => void>();
  return {
    begin() {
      const request = Symbol("request");
      inFlight.add(request);
      return () => {
        if (!inFlight.delete(request) || inFlight.size > 0) return;
        for (const done of waiting) done();
        waiting.clear();
      };
    },
    async over(msMax) {
      if (inFlight.size === 0) return;
      let late: NodeJS.Timeout | undefined;
      await new Promise<void>((done) => {
        waiting.add(done);
        late = setTimeout(done, msMax).unref();
      });
      clearTimeout(late);
    },
  };
}

export interface RequestsInFlight {
  /** Counts a request; calling the answer ends it, once. */
  begin(): () => void;
  /** Resolves when none is in flight, or after `msMax`; this timer alone keeps no process alive. */
  over(msMax: number): Promise<void>;
}

/**
 * The response, whose end does not arrive before `last` is done. It is done once, after the body has ended, failed or been
 * cancelled.
 */
export async function endingWith(last: () => Promise<void>, response: Response): Promise<Response> {
  if (response.body === null) {
    await last();
    return response;
  }
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  void passOn(response.body, writable, last);
  return new Response(readable, response);
}

/** Never rejects: the stream itself reports a failure to the reader. */
async function passOn(
  body: ReadableStream<Uint8Array>,
  writable: WritableStream<Uint8Array>,
  last: () => Promise<void>,
): Promise<void> {
  const whole = await body.pipeTo(writable, { preventClose: true }).then(
    () => true,
    () => false,
  );
  await last();
  // Fails when the reader has cancelled it meanwhile.
  if (whole) await writable.close().catch(() => undefined);
}
