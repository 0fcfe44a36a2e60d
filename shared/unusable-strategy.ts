/** An enabled strategy that a process cannot run. Its fault is shown to anyone who asks for the health. */
export interface UnusableStrategy {
  readonly strategyId: number;
  readonly name: string;
  /** Name of its handler. */
  readonly handler: string;
  /** For programs: one of `ExecutionReason`. */
  readonly reason: string;
  /** For people; contains no value out of `params`. */
  readonly fault: string;
}
