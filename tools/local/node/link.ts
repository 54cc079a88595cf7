import { spawn } from 'node:child_process';
import { createServer as createProxy } from 'node:http';
import { connect, createServer, type Server } from 'node:net';
import { pipeline, type Duplex } from 'node:stream';
import { nodeAddress } from './settings.ts';

// usage: node link.ts outside <pid of the node> <port of the API server> <socket>
// All that passes between this machine's loopback and a node's own network: calls to the API server, which the node finds at its
// own address and the same port, and calls of the API server to the node, by a proxy at the socket. A socket in the file system is
// seen from both networks; a listener belongs to the network that it was made in, whoever accepts.

const [where, ...args] = process.argv.slice(2);
if (where === 'outside') outside(...(args as [string, string, string]));
else inside(...(args as [string, string]));

function outside(pid: string, port: string, socket: string): void {
  const inner = spawn(
    'nsenter',
    [`--net=/proc/${pid}/ns/net`, process.execPath, import.meta.filename, 'inside', port, socket],
    { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] },
  );
  inner.on('message', (_, listener) => {
    (listener as Server).on('connection', (caller) => splice(caller, connect(Number(port), '127.0.0.1')));
  });
  inner.once('exit', () => {
    process.exit(1);
  });
}

function inside(port: string, socket: string): void {
  const end = () => process.exit(0);
  process.once('disconnect', end);
  // Whoever started it may be gone already, and then nothing tells of it any more.
  if (!process.connected) end();
  const listener = createServer().listen(Number(port), nodeAddress, () => {
    process.send?.('listener', listener, {}, () => listener.close());
  });
  const proxy = createProxy().on('connect', (request, caller) => {
    const { hostname, port: to } = new URL(`tcp://${request.url ?? ''}`);
    const callee = connect(Number(to), hostname, () => {
      caller.write('HTTP/1.1 200 OK\r\n\r\n');
      splice(caller, callee);
    });
    callee.once('error', () => caller.destroy());
  });
  proxy.listen(socket);
}

/** Either end's end, or its failure, is that of the other. */
function splice(one: Duplex, other: Duplex): void {
  pipeline(one, other, () => one.destroy());
  pipeline(other, one, () => other.destroy());
}
