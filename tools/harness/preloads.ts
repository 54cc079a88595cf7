import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const preload = (name: string, query: Readonly<Record<string, string>>): string => {
  const url = pathToFileURL(join(import.meta.dirname, 'preload', `${name}.ts`));
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  return `--import=${url.href}`;
};

/** A flag of Node for a process whose wall clock is wrong by so many milliseconds. */
export const shiftedClock = (byMs: number): string => preload('shift-clock', { by: String(byMs) });

/**
 * A flag of Node for a process to which names of hosts mean these addresses. `hosts`: by the end of the name. `log`: a file that
 * gets a line `address port` for each connection that the process begins.
 */
export const namedHosts = (hosts: Readonly<Record<string, string>>, log: string): string =>
  preload('name-hosts', {
    hosts: Object.entries(hosts)
      .map(([suffix, address]) => `${suffix}=${address}`)
      .join(','),
    log,
  });
