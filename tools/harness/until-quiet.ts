import type { Traffic } from './traffic.ts';
import { until } from './until.ts';

/** Waits until no controller has read or written for `quietMs` (1 500). Watches and renewals of leases are not counted. */
export async function untilQuiet(traffic: Traffic, quietMs = 1_500): Promise<void> {
  const calls = () => traffic.since(0, ({ effect }) => effect !== 'lease' && effect !== 'watch').length;
  let seen = calls();
  let since = performance.now();
  await until(
    () => {
      const now = calls();
      if (now !== seen) [seen, since] = [now, performance.now()];
      return performance.now() - since;
    },
    (quietFor) => quietFor >= quietMs,
    { what: 'the controllers are quiet', timeoutMs: 60_000 },
  );
}
