/**
 * Lets at most `perTurn` begin in one turn of the event loop: one of each client after the other, and of one client in the order in
 * which they ask. Node accepts one connection per turn: a long turn, full of requests that anyone can send, would keep an alert
 * waiting before it is even seen.
 */
export function turns(perTurn: number): Turns {
  /** By client; the one whose turn is next comes first. */
  const waiting = new Map<string, Waiting[]>();
  let begun = 0;
  let isScheduled = false;

  function takeNext(): Waiting | undefined {
    for (const [client, queue] of waiting) {
      const next = queue.shift();
      waiting.delete(client);
      if (queue.length > 0) waiting.set(client, queue);
      return next;
    }
    return undefined;
  }

  /** Takes those whose turn it is out of the queue; one whose connection is closed takes the turn of no other. */
  function takeTurn(): { readonly taken: readonly Waiting[]; readonly openCount: number } {
    const taken: Waiting[] = [];
    let openCount = 0;
    while (openCount < perTurn && taken.length - openCount < CLOSED_PER_TURN_MAX) {
      const next = takeNext();
      if (next === undefined) break;
      taken.push(next);
      if (!next.isClosed()) openCount += 1;
    }
    return { taken, openCount };
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      const { taken, openCount } = takeTurn();
      begun = openCount;
      for (const { begin } of taken) begin();
      if (taken.length > 0) schedule();
    });
  }

  return {
    next({ client, isClosed }) {
      schedule();
      if (begun < perTurn && waiting.size === 0) {
        begun += 1;
        return undefined;
      }
      return new Promise((resolve) => {
        const queue = waiting.get(client) ?? [];
        queue.push({ isClosed, begin: resolve });
        waiting.set(client, queue);
      });
    },
  };
}

export interface Turns {
  /** Undefined: it may begin at once. */
  next(request: WaitingRequest): Promise<void> | undefined;
}

export interface WaitingRequest {
  readonly client: string;
  /** Whether its connection was closed meanwhile. */
  readonly isClosed: () => boolean;
}

interface Waiting extends Pick<WaitingRequest, "isClosed"> {
  readonly begin: () => void;
}

/** More than arrive in one turn, on one connection, so that closed ones do not pile up. */
const CLOSED_PER_TURN_MAX = 40;
