import { onAbort, withManyListeners } from "../../shared/abort.ts";
import { isOrderedGroup } from "../../shared/keys.ts";
import type { Binding } from "../engine/binding.ts";
import type { Holding, Holdings } from "../holding/holdings.ts";

/** The right of a loop to read its group, until it ends. */
export interface ReadingRight {
  readonly ended: AbortSignal;
  /** Of a group whose entries keep their order. */
  readonly holding?: Holding;
}

/**
 * Waits until this process may read the binding's group: it holds the group, or, of one that keeps no order, no other runner is there
 * to read it. Undefined when `stopping` aborts before.
 */
export async function untilMayRead(
  { group, functionName }: Pick<Binding, "group" | "functionName">,
  holdings: Holdings,
  { stopping }: { readonly stopping: AbortSignal },
): Promise<ReadingRight | undefined> {
  if (isOrderedGroup(group)) {
    const holding = await holdings.hold(group, { stopping });
    return holding === undefined ? undefined : { ended: withManyListeners(holding.lost), holding };
  }
  const mayRead = (): boolean => holdings.readsFor(functionName);
  if (stopping.aborted) return undefined;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      stopListening();
      stopWatching();
      resolve();
    };
    const stopWatching = holdings.onChange(() => {
      if (mayRead()) end();
    });
    const stopListening = onAbort(stopping, end);
    if (mayRead()) end();
  });
  if (isAborted(stopping)) return undefined;
  const ended = new AbortController();
  const stopWatching = holdings.onChange(() => {
    if (mayRead()) return;
    stopWatching();
    stopListening();
    ended.abort();
  });
  const stopListening = onAbort(stopping, stopWatching);
  return { ended: withManyListeners(ended.signal) };
}

/** Asked anew after a wait. */
const isAborted = (signal: AbortSignal): boolean => signal.aborted;
