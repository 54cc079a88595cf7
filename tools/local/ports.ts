import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Where ports are chosen from: below those that systems give to whoever asks for any, an outgoing connection or a listener
 * (Linux: 32768 to 60999, others: 49152 to 65535), and below the NodePorts of Kubernetes (30000 to 32767). A port from above may be
 * another program's as soon as its own is down for a moment, and the restarted one fails with "address already in use".
 */
const lowest = 20_000;
const highest = 29_999;
const mostTries = 1_000;

/**
 * `count` different TCP ports of 127.0.0.1 that were free a moment ago. Only a program that asks for exactly this port may still
 * be faster. @throws Error when none is free
 */
export async function freePorts(count: number): Promise<number[]> {
  const held = await Promise.all(Array.from({ length: count }, holdOne));
  await Promise.all(held.map(({ release }) => release()));
  return held.map(({ port }) => port);
}

/** One free port. */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error('no free port');
  return port;
}

async function holdOne(): Promise<{ readonly port: number; readonly release: () => Promise<void> }> {
  for (let tries = 1; ; tries += 1) {
    const port = randomInt(lowest, highest + 1);
    try {
      return { port, release: await hold(port) };
    } catch (error) {
      if (!isTaken(error)) throw error;
      if (tries === mostTries) throw new Error(`no port from ${lowest} to ${highest} is free`, { cause: error });
    }
  }
}

function hold(port: number) {
  return new Promise<() => Promise<void>>((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(() => new Promise((closed) => server.close(() => closed()))));
  });
}

const isTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES');
