/** Who would win each uid if entries were committed one after the other, for runs that claim nothing. */
export class SimulatedClaims {
  readonly #claimed = new Map<string, string>();

  /**
   * The entry that has the uid before this one: the first that claimed it here, else the one Redis names in `holders`.
   * Undefined when this entry would win, or has it already.
   */
  holderBefore(uid: string, entryId: string, holders: ReadonlyMap<string, string>): string | undefined {
    const holder = this.#claimed.get(uid) ?? holders.get(uid);
    return holder === entryId ? undefined : holder;
  }

  /** Takes the uid for this entry, unless an earlier one has. */
  claim(uid: string, entryId: string): void {
    if (!this.#claimed.has(uid)) this.#claimed.set(uid, entryId);
  }
}
