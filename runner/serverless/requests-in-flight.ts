/** Requests under way, counted, so that what they work with can be closed after the last of them. */
export interface RequestsInFlight {
  /** One more; the answer ends it, once however often it is called. */
  begin(): () => void;
  /** Resolves when none is under way, or after `msMax`, for which alone no process stays alive. */
  over(msMax: number): Promise<void>;
}

export function requestsInFlight(): RequestsInFlight {
  const underWay = new Set<symbol>();
  const waiting = new Set<() => void>();
  return {
    begin() {
      const request = Symbol("request");
      underWay.add(request);
      return () => {
        if (!underWay.delete(request) || underWay.size > 0) return;
        for (const done of waiting) done();
        waiting.clear();
      };
    },
    async over(msMax) {
      if (underWay.size === 0) return;
      let late: NodeJS.Timeout | undefined;
      await new Promise<void>((done) => {
        waiting.add(done);
        late = setTimeout(done, msMax).unref();
      });
      clearTimeout(late);
    },
  };
}

/**
 * The response, whose end does not arrive before `last` is done. That is done once, also when the body breaks or nobody
 * reads on, and then after whatever makes the body has stopped.
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

/** Never rejects: the reader is told by the stream itself. */
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
  // A reader that has gone away meanwhile has ended it already.
  if (whole) await writable.close().catch(() => undefined);
}
