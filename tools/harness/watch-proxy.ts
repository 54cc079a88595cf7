import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { buffer, json } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { identifyKubeCall } from './traffic.ts';

/** One event of a watch. */
export interface SeenEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  readonly object: {
    readonly metadata: {
      readonly name?: string;
      readonly namespace?: string;
      readonly uid?: string;
      readonly deletionTimestamp?: string;
    };
  };
}

/** A request that writes, whole. */
export interface SeenWrite {
  /** As `identifyKubeCall` names it: `patch buckets/status`. */
  readonly operation: string;
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly body: string;
}

/** A write that has not reached the API server. */
export interface HeldWrite {
  /** Settles when the controller has sent it. */
  readonly arrived: Promise<SeenWrite>;
  /** Lets it go on, whether or not its sender still lives. @returns the status of the answer; undefined when none came in */
  release(): Promise<number | undefined>;
}

export interface Swallowing {
  /** Events that were swallowed so far. */
  count(): number;
  stop(): void;
}

/**
 * A view of the API server that lags, misses and delays, for one controller. `plural`: as in the API's paths, `buckets`. Gets of
 * single objects always show the truth.
 */
export interface WatchProxy {
  /** http://127.0.0.1:PORT */
  readonly url: string;
  /** Watches tell nothing of this kind until the returned function is called; then everything, in order. Lists show the truth. */
  holdEvents(plural: string): () => void;
  /** The same, and lists show what there is now too, also to a process that starts only then. */
  freeze(plural: string): Promise<() => void>;
  /** Watches never tell of these events. */
  swallow(plural: string, matches: (event: SeenEvent) => boolean): Swallowing;
  /** Settles when a watch has told of such an event. Those told before do not count. */
  untilTold(plural: string, matches: (event: SeenEvent) => boolean): Promise<void>;
  /** The next write that matches waits. */
  holdWrite(matches: (write: SeenWrite) => boolean): HeldWrite;
  close(): Promise<void>;
}

interface Snapshot {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly resourceVersion: string };
  readonly items: readonly SeenEvent['object'][];
}

interface Stream {
  readonly plural: string;
  readonly held: string[];
  readonly send: (line: string) => void;
}

interface Waiting {
  readonly matches: (write: SeenWrite) => boolean;
  readonly onArrival: (write: SeenWrite) => void;
  readonly go: Promise<unknown>;
  readonly onAnswer: (status: number | undefined) => void;
}

/** `upstream`: the API server. */
export async function startWatchProxy(upstream: {
  readonly url: string;
  readonly ca: string;
  readonly adminToken: string;
}): Promise<WatchProxy> {
  const { hostname, port } = new URL(upstream.url);
  const agent = new Agent({ keepAlive: true, ca: upstream.ca });
  const held = new Map<string, number>();
  const snapshots = new Map<string, Snapshot>();
  const swallowed = new Map<string, Set<{ matches: (event: SeenEvent) => boolean; count: number }>>();
  const streams = new Set<Stream>();
  const listeners = new Set<{ plural: string; matches: (event: SeenEvent) => boolean; told: () => void }>();
  const waiting = new Set<Waiting>();

  const ask = (method: string, path: string, headers: readonly string[] | Record<string, string>, body?: Buffer) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const outgoing = request(
        { agent, host: hostname, port, method, path, headers: headers as Record<string, string>, setHost: false },
        resolve,
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });

  const hold = (plural: string): (() => void) => {
    held.set(plural, (held.get(plural) ?? 0) + 1);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      const left = (held.get(plural) ?? 1) - 1;
      held.set(plural, left);
      if (left > 0) return;
      for (const stream of streams)
        if (stream.plural === plural) for (const line of stream.held.splice(0)) stream.send(line);
    };
  };

  const isSwallowed = (plural: string, line: string): boolean => {
    const some = swallowed.get(plural);
    if (some === undefined || some.size === 0) return false;
    const event = JSON.parse(line) as SeenEvent;
    const by = [...some].find(({ matches }) => matches(event));
    if (by !== undefined) by.count += 1;
    return by !== undefined;
  };

  const watch = async (plural: string, answer: IncomingMessage, response: ServerResponse) => {
    const send = (line: string) => {
      response.write(`${line}\n`);
      for (const listener of listeners) {
        if (listener.plural !== plural || !listener.matches(JSON.parse(line) as SeenEvent)) continue;
        listeners.delete(listener);
        listener.told();
      }
    };
    const stream: Stream = { plural, held: [], send };
    streams.add(stream);
    // Who hangs up on us hangs up on the server.
    response.once('close', () => answer.destroy());
    try {
      for await (const line of createInterface({ input: answer })) {
        if (isSwallowed(plural, line)) continue;
        if ((held.get(plural) ?? 0) > 0) stream.held.push(line);
        else stream.send(line);
      }
      response.end();
    } finally {
      streams.delete(stream);
    }
  };

  const listOf = (snapshot: Snapshot, path: string): string => {
    const namespace = /\/namespaces\/([^/]+)\//.exec(path)?.[1];
    const items = snapshot.items.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace);
    return JSON.stringify({ ...snapshot, items });
  };

  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url: path = '/' } = incoming;
    const { operation, effect } = identifyKubeCall(method, path);
    const plural = operation.split(' ').at(-1) ?? '';
    const body = method === 'GET' ? undefined : await buffer(incoming);
    const snapshot = snapshots.get(plural);
    if (snapshot !== undefined && operation === `list ${plural}`) {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(listOf(snapshot, path));
      return;
    }
    const write = { operation, method, path, body: body?.toString('utf8') ?? '' };
    const waits = effect === 'read' ? undefined : [...waiting].find(({ matches }) => matches(write));
    if (waits !== undefined) {
      waiting.delete(waits);
      waits.onArrival(write);
      await waits.go;
    }
    try {
      const answer = await ask(method, path, incoming.rawHeaders, body);
      const { statusCode = 0, statusMessage, rawHeaders } = answer;
      waits?.onAnswer(statusCode);
      if (response.destroyed) {
        answer.resume(); // its sender is gone; the write is done all the same
        return;
      }
      response.writeHead(statusCode, statusMessage, rawHeaders);
      response.flushHeaders();
      if (effect === 'watch' && statusCode === 200) await watch(plural, answer, response);
      else await pipeline(answer, response);
    } catch (error) {
      waits?.onAnswer(undefined);
      throw error;
    }
  };

  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, response) => {
    serve(incoming, response).catch(() => response.socket?.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    holdEvents: hold,
    async freeze(plural) {
      const release = hold(plural);
      const answer = await ask('GET', `/apis/s3.cloud37.dev/v1alpha1/${plural}`, {
        authorization: `Bearer ${upstream.adminToken}`,
        host: `${hostname}:${port}`,
      });
      snapshots.set(plural, (await json(answer)) as Snapshot);
      return () => {
        snapshots.delete(plural);
        release();
      };
    },
    swallow(plural, matches) {
      const entry = { matches, count: 0 };
      const some = swallowed.get(plural) ?? new Set();
      swallowed.set(plural, some.add(entry));
      return { count: () => entry.count, stop: () => void some.delete(entry) };
    },
    untilTold: (plural, matches) =>
      new Promise((told) => {
        listeners.add({ plural, matches, told });
      }),
    holdWrite(matches) {
      const arrival = Promise.withResolvers<SeenWrite>();
      const go = Promise.withResolvers<undefined>();
      const ended = Promise.withResolvers<number | undefined>();
      const entry: Waiting = { matches, onArrival: arrival.resolve, go: go.promise, onAnswer: ended.resolve };
      waiting.add(entry);
      return {
        arrived: arrival.promise,
        async release() {
          // One that never came has no answer.
          if (waiting.delete(entry)) return undefined;
          go.resolve(undefined);
          return ended.promise;
        },
      };
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
        agent.destroy();
      }),
  };
}
