/**
 * For `node --import`: gives names of hosts the addresses that a test wants, and notes every connection that the process begins.
 * Asked by the query of its own URL. `hosts`: `suffix=address`, with commas between; the first suffix that fits decides. `log`:
 * path of a file, a line `address port` for each attempt to connect.
 */
import { channel } from 'node:diagnostics_channel';
import dns from 'node:dns';
import { appendFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { isIP, type Socket } from 'node:net';

const { searchParams } = new URL(import.meta.url);
const hosts = (searchParams.get('hosts') ?? '').split(',').map((entry) => entry.split('=') as [string, string]);
const log = searchParams.get('log');

type Found = (
  error: NodeJS.ErrnoException | null,
  address: string | readonly dns.LookupAddress[],
  family?: number,
) => void;
const lookup = dns.lookup as (name: string, options: dns.LookupOptions, found: Found) => void;

const lookupNamed = (name: string, options: dns.LookupOptions | Found, callback?: Found): void => {
  const found = typeof options === 'function' ? options : callback;
  const asked = typeof options === 'function' ? {} : options;
  if (found === undefined) throw new TypeError('lookup needs a callback');
  const address = hosts.find(([suffix]) => name.toLowerCase().replace(/\.$/, '').endsWith(suffix))?.[1];
  if (address === undefined) {
    lookup(name, asked, found);
    return;
  }
  const family = isIP(address);
  process.nextTick(() => {
    if (asked.all === true) found(null, [{ address, family }]);
    else found(null, address, family);
  });
};
Object.assign(dns, { lookup: lookupNamed });
syncBuiltinESMExports();

if (log !== null) {
  channel('net.client.socket').subscribe((message) => {
    const { socket } = message as { socket: Socket };
    socket.on('connectionAttempt', (address: string, port: number) => appendFileSync(log, `${address} ${port}\n`));
  });
}
