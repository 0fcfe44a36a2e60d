/** What a check has found. With a `fault` the router cannot work, with a `warning` its promise is weaker. */
export interface Remark {
  readonly kind: "ok" | "warning" | "fault";
  /** For people: what was found, and what to do about it. */
  readonly message: string;
}

export const ok = (message: string): Remark => ({ kind: "ok", message });
export const warning = (message: string): Remark => ({ kind: "warning", message });
export const fault = (message: string): Remark => ({ kind: "fault", message });
