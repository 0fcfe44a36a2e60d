import { vi } from "vitest";

/**
 * Loaded before every test file. `vi.waitFor` gives up after a second by itself; how fast a busy machine is, is not what is
 * tested, so a wait ends when what it waits for is there, and fails only when it has long been due.
 */
const MS_MIN = 20_000;

const { waitFor } = vi;
vi.waitFor = async (check, options = {}) => {
  const { timeout = 0, ...rest } = typeof options === "number" ? { timeout: options } : options;
  return waitFor(check, { ...rest, timeout: Math.max(timeout, MS_MIN) });
};
