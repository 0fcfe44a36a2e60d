import { userInfo } from "node:os";

/** Name of the user of this shell; a process in a container may run under one without a name. */
export function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown";
  }
}
