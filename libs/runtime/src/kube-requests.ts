import { json, text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { unlessAborted, withDeadline } from '@operator/outcome';
import { exchangeHttp } from './http-exchange.ts';
import {
  type KubeClient,
  type ListPage,
  type ObjectRef,
  type RequestOptions,
  type Selection,
  type WatchEvent,
  type WatchOptions,
  fieldManager,
} from './kube-client.ts';
import type { KubeConnection } from './kube-connection.ts';
import { KubeError, eventTooLarge, isKubeError } from './kube-error.ts';
import { type Resource, apiVersionOf } from './resource.ts';

/** What is told about every HTTP exchange. `code`: the HTTP status, 0 when no answer came. */
export interface KubeExchange {
  readonly verb: string;
  readonly resource: string;
  readonly code: number;
  readonly seconds: number;
}

export interface KubeRequestsOptions {
  readonly connection: KubeConnection;
  readonly userAgent: string;
  readonly monotonicMs: () => number;
  /** Called before every write; throws where this process must not write. */
  readonly beforeWrite?: (() => void) | undefined;
  readonly observe?: ((exchange: KubeExchange) => void) | undefined;
  /** Runs one call within a span; `run` says where it went and what came back, after each exchange. */
  readonly traced?: (<T>(call: TracedCall, run: (answered: Answered) => Promise<T>) => Promise<T>) | undefined;
}

/** What a span says of a call. */
export type TracedCall = Pick<Call, 'verb' | 'method'> & { readonly resource: string };

/** `server`: its URL; `status`: of HTTP. */
export type Answered = (server: string, status: number) => void;

interface Call {
  readonly verb: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly resource: Resource;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
  readonly contentType?: string;
  readonly body?: unknown;
}

const defaultTimeoutMs = 30_000;
const pageSize = 500;
/** Objects of a streamed list that are handed on at once. */
const batchSize = 100;
/** Marks the bookmark that ends a streamed list. */
const initialEventsEnd = 'k8s.io/initial-events-end';
/**
 * Characters of one event of a watch, five times the largest object: whatever goes on for longer is no event, and must not fill the
 * memory. Source: etcd, --max-request-bytes, 1.5 MiB; an event of JSON is at most a few times that.
 */
const longestEvent = 8 * 1_024 * 1_024;
/** How often one call meets a 429 before the caller hears of it. */
const longestPatience = 5;
/**
 * An API server that starts refuses everybody until it has read its roles, and knows nothing of CRDs until it has read those. What discovery
 * says so counts only once it has said nothing else for as long. Source: Kubernetes, issue 121635; apiextensions-apiserver, apiserver.go.
 */
const longestStartMs = 600_000;

/** The KubeClient over a connection. */
export const createKubeClient = (options: KubeRequestsOptions): KubeClient => {
  const { connection, monotonicMs } = options;
  const traced: NonNullable<typeof options.traced> = options.traced ?? ((_call, run) => run(() => undefined));

  /** One HTTP exchange up to the headers; a refusal is a KubeError. */
  const exchange = async (call: Call, signal: AbortSignal, answered?: Answered, refreshed = false) => {
    // An exec plugin may never end.
    const { server, headers, agent } = await unlessAborted(signal, connection.credentials(refreshed));
    const startedAt = monotonicMs();
    const told = (code: number) =>
      options.observe?.({
        verb: call.verb,
        resource: call.resource.plural,
        code,
        seconds: (monotonicMs() - startedAt) / 1_000,
      });
    try {
      const response = await exchangeHttp(`${server}${call.path}${queryOf(call.query)}`, {
        method: call.method,
        agent,
        signal,
        headers: {
          ...headers,
          accept: 'application/json',
          'user-agent': options.userAgent,
          ...(call.body === undefined ? {} : { 'content-type': call.contentType ?? 'application/json' }),
        },
        body: call.body === undefined ? undefined : JSON.stringify(call.body),
      });
      told(response.statusCode);
      answered?.(server, response.statusCode);
      if (response.statusCode < 300) return response;
      const answer = await text(response);
      if (response.statusCode === 401 && !refreshed) return await exchange(call, signal, answered, true);
      throw errorOf(response.statusCode, answer, response.headers['retry-after'], call);
    } catch (caught) {
      if (caught instanceof KubeError) throw caught;
      if (!signal.aborted) told(0);
      throw unreachable(caught, call, server);
    }
  };

  /** One call with its deadline, and patience for 429. */
  const send = async <T>(call: Call, given: RequestOptions = {}): Promise<T> =>
    traced({ verb: call.verb, method: call.method, resource: call.resource.plural }, async (answered) => {
      const write = call.method !== 'GET';
      const timeoutMs = given.timeoutMs ?? defaultTimeoutMs;
      const deadlineAt = monotonicMs() + timeoutMs;
      return withDeadline(given.signal, timeoutMs, async (signal) => {
        for (let attempt = 1; ; attempt += 1) {
          given.signal?.throwIfAborted();
          if (write) options.beforeWrite?.();
          try {
            const response = await exchange(call, signal, answered);
            return (await json(response)) as T;
          } catch (caught) {
            if (!(caught instanceof KubeError)) throw unreachable(caught, call, '');
            const pauseMs = Math.max(caught.retryAfterMs ?? 0, 200 * attempt);
            const canWait = caught.status === 429 && attempt < longestPatience && monotonicMs() + pauseMs < deadlineAt;
            if (!canWait) throw caught;
            await sleep(pauseMs, undefined, { signal });
          }
        }
      });
    });

  /** False once the server has refused to stream a list. */
  let streamsLists = true;
  /** Since when discovery was refused (403), or knew nothing of a group (404), with no other answer between; by the monotonic clock. */
  let unservedSince: number | undefined;

  /**
   * A list as the events of a watch: the server sends from memory what it has to read and convert anew for every page after the
   * first, and neither side ever holds all of it as one text. It costs a connection, for there is no other end to a watch. The
   * deadline begins anew with every piece.
   */
  async function* streamList<T>(
    resource: Resource,
    selection: Selection,
    given: RequestOptions,
  ): AsyncGenerator<ListPage<T>, void> {
    const timeoutMs = given.timeoutMs ?? defaultTimeoutMs;
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), timeoutMs);
    const signal = given.signal === undefined ? silence.signal : AbortSignal.any([given.signal, silence.signal]);
    const call = watchCall('list', resource, selection, {
      sendInitialEvents: 'true',
      resourceVersionMatch: 'NotOlderThan',
    });
    try {
      const response = await exchange(call, signal);
      let items: T[] = [];
      for await (const { type, object } of eventsOf<Streamed<T>>(call, response, () => void timer.refresh())) {
        if (type === 'BOOKMARK') {
          if (object.metadata.annotations?.[initialEventsEnd] !== 'true') continue;
          yield { items, resourceVersion: object.metadata.resourceVersion };
          return;
        }
        if (type === 'DELETED') {
          // What happens while the list is sent comes in between.
          yield { items, gone: [object] };
          items = [];
          continue;
        }
        items.push(object);
        if (items.length < batchSize) continue;
        yield { items };
        items = [];
      }
    } finally {
      clearTimeout(timer);
    }
    throw new KubeError({
      status: 0,
      reason: 'Unreachable',
      message: `list ${resource.plural}: the stream ended early`,
    });
  }

  const pageOf = async <T>(
    resource: Resource,
    selection: Selection,
    given: RequestOptions & { pageSize?: number },
    next?: string,
  ): Promise<{ page: ListPage<T>; next: string | undefined }> => {
    const path = pathOf(resource, { namespace: selection.namespace });
    const limit = given.pageSize === Infinity ? undefined : String(given.pageSize ?? pageSize);
    const query = { ...selectors(selection), limit, continue: next };
    const { metadata, items } = await send<{
      metadata: { resourceVersion: string; continue?: string };
      items: T[] | null;
    }>({ verb: 'list', method: 'GET', resource, path, query }, given);
    return {
      page: { items: items ?? [], resourceVersion: metadata.resourceVersion },
      next: metadata.continue === '' ? undefined : metadata.continue,
    };
  };

  return {
    async get<T>(resource: Resource, ref: ObjectRef, given?: RequestOptions) {
      try {
        return await send<T>({ verb: 'get', method: 'GET', resource, path: pathOf(resource, ref) }, given);
      } catch (caught) {
        if (isKubeError(caught, 404)) return undefined;
        throw caught;
      }
    },

    async takesNew(resource: Resource, given?: RequestOptions) {
      const path = `/apis/${resource.group}/${resource.version}`;
      try {
        const served = await send<ServedKinds>({ verb: 'discover', method: 'GET', resource, path }, given);
        unservedSince = undefined;
        return served.resources.some(({ name, verbs }) => name === resource.plural && verbs.includes('create'));
      } catch (caught) {
        if (!isKubeError(caught, 403, 404)) throw caught;
        unservedSince ??= monotonicMs();
        if (monotonicMs() - unservedSince >= longestStartMs) return caught.status === 403;
        if (caught.status === 403) throw caught;
        const message = `The API server does not serve ${path}, or not yet.`;
        throw new KubeError({ status: 503, reason: 'Unserved', message, cause: caught });
      }
    },

    async *list<T>(
      resource: Resource,
      selection: Selection,
      given: RequestOptions & { pageSize?: number } = {},
    ): AsyncGenerator<ListPage<T>, void> {
      let { page, next } = await pageOf<T>(resource, selection, given);
      if (next !== undefined && streamsLists && given.pageSize === undefined) {
        try {
          yield* streamList<T>(resource, selection, given);
          return;
        } catch (caught) {
          if (!isKubeError(caught, 400, 422)) throw caught;
          streamsLists = false;
        }
      }
      yield page;
      while (next !== undefined) {
        ({ page, next } = await pageOf<T>(resource, selection, given, next));
        yield page;
      }
    },

    async *watch<T>(
      resource: Resource,
      selection: Selection,
      given: WatchOptions,
    ): AsyncGenerator<WatchEvent<T>, void> {
      const call = watchCall('watch', resource, selection, {
        resourceVersion: given.resourceVersion,
        timeoutSeconds: String(given.timeoutSeconds),
      });
      const response = await exchange(call, given.signal);
      given.onOpen?.();
      for await (const { type, object } of eventsOf<Streamed<T>>(call, response, given.onBytes)) {
        yield type === 'BOOKMARK' ? { type, resourceVersion: object.metadata.resourceVersion } : { type, object };
      }
    },

    create<T>(resource: Resource, object: Parameters<KubeClient['create']>[1], given?: RequestOptions) {
      const path = pathOf(resource, { namespace: object.metadata.namespace });
      const query = { fieldManager };
      return send<T>({ verb: 'create', method: 'POST', resource, path, query, body: typed(resource, object) }, given);
    },

    replace<T>(resource: Resource, object: Parameters<KubeClient['replace']>[1], given?: RequestOptions) {
      const path = pathOf(resource, object.metadata);
      const query = { fieldManager };
      return send<T>({ verb: 'update', method: 'PUT', resource, path, query, body: typed(resource, object) }, given);
    },

    apply<T>(
      resource: Resource,
      object: Parameters<KubeClient['apply']>[1],
      given: RequestOptions & { subresource?: 'status' } = {},
    ) {
      return send<T>(
        {
          verb: 'apply',
          method: 'PATCH',
          resource,
          path: pathOf(resource, object.metadata, given.subresource),
          query: { fieldManager, force: 'true' },
          contentType: 'application/apply-patch+yaml', // JSON is YAML
          body: typed(resource, object),
        },
        given,
      );
    },

    patch<T>(
      resource: Resource,
      ref: ObjectRef,
      patch: Parameters<KubeClient['patch']>[2],
      given: RequestOptions & { subresource?: 'status' } = {},
    ) {
      const contentType = Array.isArray(patch) ? 'application/json-patch+json' : 'application/merge-patch+json';
      const path = pathOf(resource, ref, given.subresource);
      const query = { fieldManager };
      return send<T>({ verb: 'patch', method: 'PATCH', resource, path, query, contentType, body: patch }, given);
    },

    async delete(resource, ref, preconditions = {}, given) {
      try {
        const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions };
        await send({ verb: 'delete', method: 'DELETE', resource, path: pathOf(resource, ref), body }, given);
        return true;
      } catch (caught) {
        if (isKubeError(caught, 404)) return false;
        throw caught;
      }
    },
  };
};

const typed = (resource: Resource, object: object) => ({
  ...object,
  apiVersion: apiVersionOf(resource),
  kind: resource.kind,
});

const pathOf = (
  resource: Resource,
  ref: { readonly namespace?: string | undefined; readonly name?: string },
  subresource?: string,
): string =>
  [
    resource.group === '' ? '/api' : `/apis/${resource.group}`,
    resource.version,
    ...(ref.namespace === undefined ? [] : ['namespaces', encodeURIComponent(ref.namespace)]),
    resource.plural,
    ...(ref.name === undefined ? [] : [encodeURIComponent(ref.name)]),
    ...(subresource === undefined ? [] : [subresource]),
  ].join('/');

const selectors = ({ labelSelector, fieldSelector }: Selection) => ({ labelSelector, fieldSelector });

/** `query`: where the watch begins, and how long it lasts. */
const watchCall = (
  verb: 'list' | 'watch',
  resource: Resource,
  selection: Selection,
  query: Readonly<Record<string, string>>,
): Call => ({
  verb,
  method: 'GET',
  resource,
  path: pathOf(resource, { namespace: selection.namespace }),
  query: { ...selectors(selection), watch: 'true', allowWatchBookmarks: 'true', ...query },
});

const queryOf = (query: Readonly<Record<string, string | undefined>> = {}): string => {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`;
};

/** What a version of a group serves. Source: Kubernetes API, APIResourceList. */
interface ServedKinds {
  readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[];
}

/** Source: Kubernetes API, Status. */
interface KubeStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

const errorOf = (code: number, text: string, retryAfter: string | string[] | undefined, call: Call): KubeError => {
  try {
    const status = JSON.parse(text) as KubeStatus;
    if (typeof status.message === 'string') return statusError(status, code, retryAfter);
  } catch {
    // Not every refusal is a Status: a proxy answers with HTML, overload with one plain line.
  }
  const message = `${call.verb} ${call.resource.plural}: HTTP ${code} ${text.slice(0, 200).trim()}`;
  return new KubeError({ status: code, reason: 'Unknown', message, retryAfterMs: secondsToMs(retryAfter) });
};

const statusError = (status: KubeStatus, code: number, retryAfter: string | string[] | undefined): KubeError =>
  new KubeError({
    status: status.code ?? code,
    reason: status.reason ?? 'Unknown',
    message: status.message ?? `HTTP ${status.code ?? code}`,
    retryAfterMs: secondsToMs(retryAfter ?? status.details?.retryAfterSeconds),
  });

/** A server that asks for more is asked again nevertheless: a watch must not be deaf for as long as one answer says. */
const longestRetryAfterMs = 30_000;

const secondsToMs = (seconds: string | string[] | number | undefined): number | undefined => {
  const value = Number(Array.isArray(seconds) ? seconds[0] : seconds);
  return value > 0 ? Math.min(value * 1_000, longestRetryAfterMs) : undefined;
};

const unreachable = (cause: unknown, call: Call, server: string): KubeError =>
  new KubeError({
    status: 0,
    reason: 'Unreachable',
    message: `${call.verb} ${call.resource.plural}: no answer from the API server ${server}`.trim(),
    cause,
  });

/** An object as a stream has it; a bookmark has its metadata only. */
type Streamed<T> = T & {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
};

interface StreamEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/** The events of a watch. @throws KubeError the one that the server tells as an event, or when the connection breaks */
async function* eventsOf<T>(
  call: Call,
  response: AsyncIterable<Buffer>,
  onBytes: (() => void) | undefined,
): AsyncGenerator<StreamEvent<T>, void> {
  try {
    for await (const line of linesOf(response, onBytes)) {
      const event = JSON.parse(line) as StreamEvent<T> | { readonly type: 'ERROR'; readonly object: KubeStatus };
      if (event.type === 'ERROR') throw statusError(event.object, 500, undefined);
      yield event;
    }
  } catch (caught) {
    if (caught instanceof RangeError) {
      const message = `${call.verb} ${call.resource.plural}: ${caught.message}; the stream is given up. Look at what stands between the controller and the API server.`;
      throw new KubeError({ status: 0, reason: eventTooLarge, message, cause: caught });
    }
    throw caught instanceof KubeError ? caught : unreachable(caught, call, '');
  }
}

/**
 * Splits a stream at its line ends; a last line without an end is cut off by a broken connection and dropped.
 * @throws RangeError when a line has no end within 8 Mi characters
 */
async function* linesOf(body: AsyncIterable<Buffer>, onBytes: (() => void) | undefined): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest: string[] = [];
  let restLength = 0;
  for await (const chunk of body) {
    onBytes?.();
    const lines = decoder.decode(chunk, { stream: true }).split('\n');
    const last = lines.pop() ?? '';
    const [first, ...whole] = lines;
    if (first !== undefined) {
      yield [...rest, first].join('');
      yield* whole;
      rest = [];
      restLength = 0;
    }
    rest.push(last);
    restLength += last.length;
    if (restLength > longestEvent) throw new RangeError(`no end of an event within ${longestEvent} characters`);
  }
}
