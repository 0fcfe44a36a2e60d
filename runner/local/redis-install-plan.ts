/** Decides how to install a Redis server on a machine, without doing it. */

export const PACKAGE_MANAGERS = ["apt-get", "dnf", "yum", "apk", "pacman", "zypper", "brew"] as const;
export type PackageManager = (typeof PACKAGE_MANAGERS)[number];

export interface Machine {
  readonly platform: NodeJS.Platform;
  /** Those on PATH. */
  readonly managers: readonly PackageManager[];
  readonly hasSudo: boolean;
  readonly isRoot: boolean;
  /** A user can be asked. */
  readonly isTty: boolean;
  readonly isCi: boolean;
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

export type InstallPlan =
  | { readonly action: "install"; readonly command: Command; readonly typed: string }
  | { readonly action: "ask"; readonly command: Command; readonly typed: string }
  | { readonly action: "fail"; readonly message: string };

/** What to do on a machine without a Redis server. `typed` is the same as `command`, for a user to type. */
export function planRedisInstall(machine: Machine): InstallPlan {
  const { platform, isRoot, isTty, isCi, hasSudo } = machine;
  const manager = PACKAGE_MANAGERS.find(
    (name) => machine.managers.includes(name) && (name !== "brew" || !isRoot),
  );
  if (manager === undefined) {
    return {
      action: "fail",
      message:
        platform === "win32"
          ? "Redis does not run on Windows itself: use WSL, or set REDIS_URL."
          : "No Redis server and no known package manager on this machine: install redis-server or valkey-server (7.0 or newer), or set REDIS_URL.",
    };
  }

  const needsRoot = manager !== "brew";
  const typed = (needsRoot && !isRoot && hasSudo ? "sudo " : "") + TYPED[manager];
  const script = { file: "sh", args: ["-c", SCRIPTS[manager]] };
  if (isRoot || (isCi && !needsRoot)) return { action: "install", command: script, typed };
  if (needsRoot && !hasSudo) return { action: "fail", message: installHint(`${typed}    (as root)`) };
  // There is no password in CI: -n makes sudo fail instead of asking.
  if (isCi)
    return { action: "install", command: { file: "sudo", args: ["-n", "sh", ...script.args] }, typed };
  if (!isTty) return { action: "fail", message: installHint(typed) };
  const command = needsRoot ? { file: "sudo", args: ["sh", ...script.args] } : script;
  return { action: "ask", command, typed };
}

/** The message when there is no server: what to type, and the alternative. */
export function installHint(typed: string): string {
  return `No Redis server on this machine. Install one with\n\n  ${typed}\n\nor set REDIS_URL to a server elsewhere.`;
}

/** Newer distributions have Valkey instead of Redis. */
const TYPED: Record<PackageManager, string> = {
  "apt-get": "apt-get install -y redis-server",
  dnf: "dnf install -y valkey",
  yum: "yum install -y redis",
  apk: "apk add redis",
  pacman: "pacman -S valkey",
  zypper: "zypper install redis",
  brew: "brew install redis",
};

/**
 * Debian's package starts a service on port 6379, now and at every boot. policy-rc.d (an existing one is kept) prevents
 * the start, `disable` that at boot. A broken package source must not stop the installation, hence `|| true`.
 */
const APT = `set -e
export DEBIAN_FRONTEND=noninteractive
apt-get update || true
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > $policy
  chmod 755 $policy
fi
apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=120 redis-server
if [ -d /run/systemd/system ]; then systemctl disable --now redis-server
else /etc/init.d/redis-server stop >/dev/null 2>&1 || true; fi`;

const SCRIPTS: Record<PackageManager, string> = {
  "apt-get": APT,
  dnf: "dnf install -y valkey || dnf install -y redis",
  yum: "yum install -y redis || yum install -y valkey",
  apk: "apk add --no-cache redis || apk add --no-cache valkey",
  pacman: "pacman -Sy --noconfirm valkey || pacman -Sy --noconfirm redis",
  zypper: "zypper --non-interactive install redis || zypper --non-interactive install valkey",
  brew: "brew install redis || brew install valkey",
};
