import { createInterface } from 'node:readline';
import { Agent, request } from 'undici';
import type {
  AccessKeySpec,
  AccessKeyStatus,
  BucketPolicySpec,
  BucketPolicyStatus,
  BucketSpec,
  BucketStatus,
  ProviderSpec,
  ProviderStatus,
} from '@operator/api';
import { until } from './until.ts';

/** What each kind's objects carry beside their metadata. */
interface Kinds {
  Provider: { readonly spec: ProviderSpec; readonly status?: ProviderStatus & Common };
  Bucket: { readonly spec: BucketSpec; readonly status?: BucketStatus & Common };
  BucketPolicy: { readonly spec: BucketPolicySpec; readonly status?: BucketPolicyStatus & Common };
  AccessKey: { readonly spec: AccessKeySpec; readonly status?: AccessKeyStatus & Common };
  Secret: { readonly data?: Readonly<Record<string, string>>; readonly type?: string };
  Namespace: object;
  Event: {
    readonly reason?: string;
    readonly message?: string;
    readonly note?: string;
    readonly count?: number;
    readonly involvedObject?: { readonly kind: string; readonly name: string };
  };
  Lease: { readonly spec: { readonly holderIdentity?: string } };
  ConfigMap: { readonly data?: Readonly<Record<string, string>> };
}
export type Kind = keyof Kinds;
export type OurKind = 'Provider' | 'Bucket' | 'BucketPolicy' | 'AccessKey';

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  readonly observedGeneration?: number;
}
interface Common {
  readonly observedGeneration?: number;
  readonly conditions?: readonly Condition[];
}
export interface Metadata {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly deletionTimestamp?: string;
  readonly finalizers?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
}
export type Stored<K extends Kind> = Kinds[K] & { readonly kind: K; readonly metadata: Metadata };

const ours = '/apis/s3.cloud37.dev/v1alpha1';
const places: Readonly<Record<Kind, readonly [base: string, plural: string]>> = {
  Provider: [ours, 'providers'],
  Bucket: [ours, 'buckets'],
  BucketPolicy: [ours, 'bucketpolicies'],
  AccessKey: [ours, 'accesskeys'],
  Secret: ['/api/v1', 'secrets'],
  Namespace: ['/api/v1', 'namespaces'],
  Event: ['/api/v1', 'events'],
  Lease: ['/apis/coordination.k8s.io/v1', 'leases'],
  ConfigMap: ['/api/v1', 'configmaps'],
};
export const ourKinds: readonly OurKind[] = ['Provider', 'Bucket', 'BucketPolicy', 'AccessKey'];
export const allKinds = Object.keys(places) as Kind[];

export class KubeApiError extends Error {
  readonly status: number;
  constructor(status: number, what: string, message: string) {
    super(`${what}: ${status} ${message}`);
    this.status = status;
  }
}

export type Manifest = Readonly<Record<string, unknown>>;

/** The API server past all proxies, as the administrator sees it, or as whoever's token is given in place of theirs. */
export class Kube {
  readonly #agent: Agent;
  readonly #url: string;
  readonly #token: string;
  readonly #onSecretText: (text: string) => void;

  /** `onSecretText`: gets the body of each Secret that is written here, as JSON. */
  constructor(
    at: { readonly url: string; readonly ca: string; readonly adminToken: string },
    onSecretText: (text: string) => void = () => undefined,
  ) {
    this.#onSecretText = onSecretText;
    this.#agent = new Agent({ connect: { ca: at.ca }, connections: 32 });
    this.#url = at.url;
    this.#token = at.adminToken;
  }

  async #send(method: string, path: string, body?: unknown, contentType = 'application/json'): Promise<unknown> {
    const answer = await request(`${this.#url}${path}`, {
      method: method as 'GET',
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#token}`, 'content-type': contentType },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const content: unknown = await answer.body.json();
    if (answer.statusCode < 400) return content;
    throw new KubeApiError(answer.statusCode, `${method} ${path}`, (content as { message: string }).message);
  }

  #path(kind: Kind, namespace: string | undefined, name?: string): string {
    const [base, plural] = places[kind];
    const scope = namespace === undefined ? base : `${base}/namespaces/${namespace}`;
    return `${scope}/${plural}${name === undefined ? '' : `/${name}`}`;
  }

  async create<K extends Kind>(
    kind: K,
    namespace: string | undefined,
    name: string,
    content: Manifest,
  ): Promise<Stored<K>> {
    const { metadata, ...rest } = content as { metadata?: Manifest };
    const body = {
      apiVersion: places[kind][0].split('/').slice(2).join('/'),
      kind,
      metadata: { ...metadata, name },
      ...rest,
    };
    if (kind === 'Secret') this.#onSecretText(JSON.stringify(body));
    return (await this.#send('POST', this.#path(kind, namespace), body)) as Stored<K>;
  }

  async get<K extends Kind>(kind: K, namespace: string | undefined, name: string): Promise<Stored<K> | undefined> {
    try {
      return (await this.#send('GET', this.#path(kind, namespace, name))) as Stored<K>;
    } catch (error) {
      if (error instanceof KubeApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  async list<K extends Kind>(kind: K, namespace?: string): Promise<readonly Stored<K>[]> {
    const { items } = (await this.#send('GET', this.#path(kind, namespace))) as { items: readonly Stored<K>[] };
    return items;
  }

  /**
   * Changes from now on, until `signal` aborts. A stream that the API server ends goes on where it was: it ends those of a
   * young CRD when it makes its storage anew.
   */
  async watch<K extends Kind>(
    kind: K,
    namespace: string | undefined,
    signal: AbortSignal,
  ): Promise<AsyncIterable<{ readonly type: 'ADDED' | 'MODIFIED' | 'DELETED'; readonly object: Stored<K> }>> {
    const path = this.#path(kind, namespace);
    const { metadata } = (await this.#send('GET', `${path}?limit=1`)) as { metadata: { resourceVersion: string } };
    let seen = metadata.resourceVersion;
    const open = async () => {
      const query = `watch=true&resourceVersion=${seen}&timeoutSeconds=3600`;
      const answer = await request(`${this.#url}${path}?${query}`, {
        dispatcher: this.#agent,
        headers: { authorization: `Bearer ${this.#token}` },
        bodyTimeout: 0,
        signal,
      });
      if (answer.statusCode >= 400)
        throw new KubeApiError(answer.statusCode, `watch ${path}`, await answer.body.text());
      // Who has left the loop before `signal` aborts listens no more.
      return createInterface({ input: answer.body }).on('error', () => undefined);
    };
    let lines = await open();
    return (async function* () {
      for (;;) {
        for await (const line of lines) {
          const event = JSON.parse(line) as { type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'ERROR'; object: Stored<K> };
          if (event.type === 'ERROR') throw new Error(`watch ${path}: ${line}`);
          seen = event.object.metadata.resourceVersion;
          yield { type: event.type, object: event.object };
        }
        signal.throwIfAborted();
        lines = await until(open, () => true, { what: `the watch of ${kind} goes on`, everyMs: 100 });
      }
    })();
  }

  /** The text of the API server's /metrics (Prometheus). */
  async metrics(): Promise<string> {
    const answer = await request(`${this.#url}/metrics`, {
      dispatcher: this.#agent,
      headers: { authorization: `Bearer ${this.#token}` },
    });
    return answer.body.text();
  }

  /** JSON merge patch: null removes. */
  async patch<K extends Kind>(
    kind: K,
    namespace: string | undefined,
    name: string,
    change: Manifest,
  ): Promise<Stored<K>> {
    const path = this.#path(kind, namespace, name);
    if (kind === 'Secret') this.#onSecretText(JSON.stringify(change));
    return (await this.#send('PATCH', path, change, 'application/merge-patch+json')) as Stored<K>;
  }

  /** The same of the status, as whoever may patch `<kind>/status`; the field manager is the caller's own. */
  async patchStatus<K extends OurKind>(
    kind: K,
    namespace: string,
    name: string,
    status: Manifest | null,
  ): Promise<Stored<K>> {
    const path = `${this.#path(kind, namespace, name)}/status?fieldManager=person`;
    return (await this.#send('PATCH', path, { status }, 'application/merge-patch+json')) as Stored<K>;
  }

  /** An absent object counts as deleted. */
  async delete(kind: Kind, namespace: string | undefined, name: string): Promise<void> {
    try {
      await this.#send('DELETE', this.#path(kind, namespace, name));
    } catch (error) {
      if (!(error instanceof KubeApiError && error.status === 404)) throw error;
    }
  }

  /** Everything of a kind, as the API server prints it, for a search. */
  async dump(kind: Kind): Promise<string> {
    return JSON.stringify(await this.#send('GET', this.#path(kind, undefined)));
  }

  /** Waits until Ready is True for the object's present generation. */
  async untilReady<K extends OurKind>(
    kind: K,
    namespace: string,
    name: string,
    timeoutMs = 60_000,
  ): Promise<Stored<K>> {
    const seen = await until(() => this.get(kind, namespace, name), isReady, {
      what: `${kind} ${namespace}/${name} is Ready`,
      timeoutMs,
      show: showStatus,
    });
    if (seen === undefined) throw new Error('no object');
    return seen;
  }

  /** Waits until Ready is False with this reason; returns the condition. */
  async untilNotReady(
    kind: OurKind,
    namespace: string,
    name: string,
    reason: string,
    timeoutMs = 60_000,
  ): Promise<Condition> {
    const seen = await until(
      () => this.get(kind, namespace, name),
      (object) => {
        const ready = conditionOf(object, 'Ready');
        return ready?.status === 'False' && ready.reason === reason;
      },
      { what: `${kind} ${namespace}/${name} says Ready=False ${reason}`, timeoutMs, show: showStatus },
    );
    return readyOf(seen);
  }

  async untilGone(kind: Kind, namespace: string | undefined, name: string, timeoutMs = 60_000): Promise<void> {
    await until(
      () => this.get(kind, namespace, name),
      (object: unknown) => object === undefined,
      { what: `${kind} ${namespace ?? ''}/${name} is gone`, timeoutMs, show: showStatus },
    );
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }
}

const readyOf = (object: object | undefined): Condition => {
  const ready = conditionOf(object, 'Ready');
  if (ready === undefined) throw new Error('the object has no condition Ready');
  return ready;
};

type AnyStored = { readonly metadata: Metadata; readonly status?: Common } | undefined;

export const conditionOf = (object: object | undefined, type: string): Condition | undefined =>
  (object as AnyStored)?.status?.conditions?.find((condition) => condition.type === type);

export const isReady = (object: object | undefined): boolean => {
  const stored = object as AnyStored;
  if (stored === undefined) return false;
  return (
    conditionOf(stored, 'Ready')?.status === 'True' && stored.status?.observedGeneration === stored.metadata.generation
  );
};

const showStatus = (object: object | undefined): string => {
  if (object === undefined) return 'no such object';
  const { metadata, status } = object as NonNullable<AnyStored>;
  const { generation, deletionTimestamp, finalizers } = metadata;
  return JSON.stringify({ generation, deletionTimestamp, finalizers, status }, undefined, 1);
};
