import { toError } from "../../shared/error-message.ts";

/** Work that goes on beside its caller: waited for together, with the first failure kept until it is asked for. */
export class RunningWork {
  readonly #running = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];

  /** Follows the work to its end; what it gives never rejects, and says whether the work failed. */
  async track(work: Promise<unknown>): Promise<{ readonly failed: boolean }> {
    let failed = false;
    const tracked = work.then(
      () => undefined,
      (error: unknown) => {
        failed = true;
        this.#failures.push(error);
      },
    );
    this.#running.add(tracked);
    await tracked;
    this.#running.delete(tracked);
    return { failed };
  }

  get hasFailed(): boolean {
    return this.#failures.length > 0;
  }

  /** Resolves when nothing is running, with what was started meanwhile. */
  async ended(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }

  /** Throws the first failure, if there is one, and forgets all. */
  throwFailure(): void {
    const [first] = this.#failures.splice(0);
    if (first !== undefined) throw toError(first);
  }
}
