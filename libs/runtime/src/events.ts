import { createHash } from 'node:crypto';
import type { Clock } from '@operator/outcome';
import type { Logger } from 'pino';
import type { KubeClient } from './kube-client.ts';
import { isKubeError, isNamespaceEnding, refusal } from './kube-error.ts';
import { remember } from './remember.ts';
import type { Resource, StoredObject } from './resource.ts';
import { within } from './within.ts';

/** Tells transitions in Kubernetes Events. Never blocks and never throws; repeats are aggregated and rate-limited for each object. */
export interface EventRecorder {
  record(object: StoredObject, type: 'Normal' | 'Warning', reason: string, message: string): void;
}

export interface RunningEventRecorder extends EventRecorder {
  /** Sends what is left, for at most so long. */
  flush(timeoutMs: number): Promise<void>;
}

/**
 * Core v1: `kubectl describe` and `kubectl get events` show its count and its first and last time, which they leave out for
 * what is written as events.k8s.io/v1.
 */
const eventResource: Resource = { group: '', version: 'v1', kind: 'Event', plural: 'events' };

/** One Event as it stands at the API server, or is to stand there. */
interface Told {
  readonly name: string;
  readonly namespace: string;
  readonly firstAt: string;
  count: number;
  lastAt: string;
  isStored: boolean;
  isQueued: boolean;
}

interface Allowance {
  tokens: number;
  at: number;
}

/** For each object: so many at once, then one in five minutes. Source: client-go, EventSourceObjectSpamFilter. */
const burst = 25;
const refillMs = 300_000;
const longestQueue = 1_000;
const longestMessage = 1_024;

/** `component`: the Event's source. `monotonicMs`: for the rate limit. */
export const createEventRecorder = (options: {
  readonly kube: Pick<KubeClient, 'create' | 'patch'>;
  readonly component: string;
  readonly instance: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly monotonicMs: () => number;
}): RunningEventRecorder => {
  const { kube, component, instance, log, monotonicMs } = options;
  const told = new Map<string, Told>();
  const allowances = new Map<string, Allowance>();
  const queue: (() => Promise<void>)[] = [];
  let sending: Promise<void> | undefined;
  let hasFailed = false;

  const isAllowed = (uid: string): boolean => {
    const now = monotonicMs();
    const before = allowances.get(uid) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, before.tokens + (now - before.at) / refillMs);
    remember(allowances, uid, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
    return tokens >= 1;
  };

  const send = async (event: Told, document: Record<string, unknown>): Promise<void> => {
    event.isQueued = false;
    const { name, namespace, count, firstAt, lastAt } = event;
    if (event.isStored) {
      try {
        await kube.patch(eventResource, { name, namespace }, { count, lastTimestamp: lastAt });
        return;
      } catch (caught) {
        if (!isKubeError(caught, 404)) throw caught; // after its hour of life an Event is gone: tell it anew
      }
    }
    await kube.create(eventResource, {
      metadata: { name, namespace },
      ...document,
      count,
      firstTimestamp: firstAt,
      lastTimestamp: lastAt,
    });
    event.isStored = true;
  };

  const drain = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      try {
        await next();
        hasFailed = false;
      } catch (caught) {
        if (isNamespaceEnding(caught)) continue;
        if (!hasFailed && isKubeError(caught))
          log.warn({ event: 'events', ...refusal(caught) }, `Cannot write Events: ${caught.message}`);
        else if (!hasFailed) log.warn({ event: 'events', err: caught }, 'cannot write Events');
        hasFailed = true;
      }
    }
    sending = undefined;
  };

  return {
    record(object, type, reason, message) {
      const { uid, name, namespace = 'default' } = object.metadata;
      if (!isAllowed(uid)) return;
      const text = message.slice(0, longestMessage);
      const identity = JSON.stringify([uid, type, reason, text]);
      const now = options.clock.now().toISOString().slice(0, 19) + 'Z';
      const event = told.get(identity) ?? {
        // The digest of the instant keeps two processes, and two lives of one Event, apart.
        name: `${name.slice(0, 200)}.${createHash('sha256').update(`${identity}${instance}${now}`).digest('hex').slice(0, 16)}`,
        namespace,
        firstAt: now,
        count: 0,
        lastAt: now,
        isStored: false,
        isQueued: false,
      };
      event.count += 1;
      event.lastAt = now;
      remember(told, identity, event);
      if (event.isQueued || queue.length >= longestQueue) return;
      event.isQueued = true;
      const document = {
        involvedObject: {
          apiVersion: object.apiVersion,
          kind: object.kind,
          namespace: object.metadata.namespace,
          name,
          uid,
          resourceVersion: object.metadata.resourceVersion,
        },
        type,
        reason,
        message: text,
        source: { component },
        reportingComponent: component,
        reportingInstance: instance,
      };
      queue.push(() => send(event, document));
      sending ??= drain();
    },
    async flush(timeoutMs) {
      if (sending !== undefined) await within(timeoutMs, sending);
    },
  };
};
