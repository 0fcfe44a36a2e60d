import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Installs a package of Debian that a test needs, one at a time. @throws Error with what to type when that is not possible */
export function installPackage(name: string): void {
  const install = `apt-get update; apt-get install -y --no-install-recommends ${name}`;
  // Test files run at the same time, and apt-get fails at once while another one works.
  const lock = join(tmpdir(), "signal-router-tests-apt.lock");
  try {
    execFileSync("flock", [lock, "sh", "-c", install], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      stdio: ["ignore", "ignore", "pipe"],
    });
  } catch (error) {
    throw new Error(`this test needs ${name}. Install it with: ${install}`, { cause: error });
  }
}
