/**
 * Lets at most `perTurn` begin in one turn of the event loop, in the order in which they ask. Node accepts one connection per
 * turn: a long turn, full of requests that anyone can send, would keep an alert waiting before it is even seen.
 */
export function turns(perTurn: number): { next(): Promise<void> | undefined } {
  const waiting: (() => void)[] = [];
  let begun = 0;
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      const begin = waiting.splice(0, perTurn);
      begun = begin.length;
      for (const each of begin) each();
      if (begun > 0) schedule();
    });
  }

  return {
    /** Undefined: it may begin at once. */
    next() {
      schedule();
      if (begun < perTurn && waiting.length === 0) {
        begun += 1;
        return undefined;
      }
      return new Promise((resolve) => {
        waiting.push(resolve);
      });
    },
  };
}
