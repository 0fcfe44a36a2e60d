import type { ReplayedSignal } from "../../replay/replayed-signal.ts";

/**
 * An answer in lines (NDJSON), a batch of signals per chunk. A batch is processed only when the client has read the one before;
 * when the client disconnects, the replay stops after the batch in progress.
 */
export function replayLines({ first, rest, lastLines, errorLines }: ReplayLines): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const encoded = (lines: readonly object[]): Uint8Array =>
    encoder.encode(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  let pending: typeof first | undefined = first;
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = pending ?? (await rest.next());
          pending = undefined;
          controller.enqueue(encoded(next.done === true ? lastLines() : next.value));
          if (next.done === true) controller.close();
        } catch (error) {
          controller.enqueue(encoded(errorLines(error)));
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

/** A replay whose first batch is done. */
export interface StartedBatches {
  readonly first: IteratorResult<readonly ReplayedSignal[], void>;
  readonly rest: AsyncGenerator<readonly ReplayedSignal[], void>;
}

export interface ReplayLines extends StartedBatches {
  /** The lines after all batches. */
  readonly lastLines: () => readonly object[];
  /** The lines in place of those, when a batch fails. */
  readonly errorLines: (error: unknown) => readonly object[];
}
