import { createServer, type Server } from 'node:net';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { freePorts } from './ports.ts';

/** The lowest port that this system gives to whoever asks for any. Source: Linux, ip-sysctl; IANA elsewhere. */
const lowestForAny = async () =>
  Number((await readFile('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').catch(() => '49152 65535')).split(/\s+/)[0]);

const listenOn = (port: number) =>
  new Promise<Server>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });

describe('free ports', () => {
  it('are different, free, and none that the system gives to whoever asks for any', async () => {
    const ports = await freePorts(50);
    expect(new Set(ports).size).toBe(50);
    expect(Math.max(...ports)).toBeLessThan(await lowestForAny());
    const servers = await Promise.all(ports.map(listenOn));
    for (const server of servers) server.close();
  });
});
