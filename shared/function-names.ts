/** The names of all functions and jobs, as used in FUNCTIONS, in routes and in logs. */
export const FUNCTION_NAMES = [
  "process-signals",
  "execute-strategies",
  "persist-log",
  "collect-outcomes",
  "notify",
  "refresh-reference",
  "reclaim",
  "trim",
] as const;
export type FunctionName = (typeof FUNCTION_NAMES)[number];
