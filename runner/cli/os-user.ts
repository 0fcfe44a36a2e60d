import { userInfo } from "node:os";

/** Name of the user of this shell; "unknown" for a user without a name, as in some containers. */
export function osUser(): string {
  try {
    return userInfo().username;
  } catch {
    return "unknown";
  }
}
