import type { ReplayedSignal } from "../../replay/replayed-signal.ts";

/** What the lines are made of. */
export interface ReplayLines {
  /** Batches already asked for. */
  readonly first: IteratorResult<readonly ReplayedSignal[], void>;
  readonly rest: AsyncGenerator<readonly ReplayedSignal[], void>;
  /** The last lines, when the batches have come to their end. */
  readonly end: () => Promise<readonly object[]>;
  /** The last lines in place of those, when a batch fails. */
  readonly broken: (error: unknown) => Promise<readonly object[]>;
}

/**
 * NDJSON, a batch of signals per chunk. The next batch is worked on when the reader asks for more; a reader that goes away
 * ends the batches after the one in hand.
 */
export function replayLines({ first, rest, end, broken }: ReplayLines): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const encoded = (lines: readonly object[]): Uint8Array =>
    encoder.encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  let asked: typeof first | undefined = first;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = asked ?? (await rest.next());
          asked = undefined;
          controller.enqueue(encoded(next.done === true ? await end() : next.value));
          if (next.done === true) controller.close();
        } catch (error) {
          controller.enqueue(encoded(await broken(error)));
          controller.close();
        }
      },
      async cancel() {
        await rest.return();
      },
    },
    { highWaterMark: 0 },
  );
}
