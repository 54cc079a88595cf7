/**
 * `lease`: renewals of leader election. `event`: Kubernetes Events. Both are writes to the API server which go on while
 * nothing changes, so they are counted apart.
 */
export type Effect = 'read' | 'watch' | 'write' | 'lease' | 'event';

export interface CallIdentity {
  /** As the API names it where it has a name: `PutBucketTagging`, `iam:CreateUser`, `admin:add-user`, `patch buckets/status`. */
  readonly operation: string;
  readonly effect: Effect;
}

/** One call that went through a proxy. */
export interface Call extends CallIdentity {
  readonly side: 'kube' | 's3';
  /** Name of the proxy: who called, or which server was called. */
  readonly proxy: string;
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  /** HTTP status of the answer; undefined while there is none. */
  status?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** `pass`: go on as if nothing had happened. `drop`: end the connection without an answer. A promise that stays open hangs the call. */
export type Verdict = 'pass' | 'drop' | Answer;

export interface Trap {
  /** Calls that matched so far. */
  count(): number;
  isSprung(): boolean;
  disarm(): void;
}

interface ArmedTrap {
  readonly matches: (call: Call) => boolean;
  readonly nth: number;
  readonly moment: 'before' | 'after';
  readonly act: (call: Call) => Verdict | Promise<Verdict>;
  seen: number;
  sprung: boolean;
}

/** Everything that went through the proxies of one world, and the traps set for it. */
export class Traffic {
  readonly calls: Call[] = [];
  readonly #traps = new Set<ArmedTrap>();

  /**
   * Acts on the nth (from 1) matching call: `before` it is forwarded, or `after` the server has answered and before the
   * caller gets the answer.
   */
  onCall(
    matches: (call: Call) => boolean,
    nth: number,
    moment: 'before' | 'after',
    act: (call: Call) => Verdict | Promise<Verdict>,
  ): Trap {
    const trap: ArmedTrap = { matches, nth, moment, act, seen: 0, sprung: false };
    this.#traps.add(trap);
    return {
      count: () => trap.seen,
      isSprung: () => trap.sprung,
      disarm: () => void this.#traps.delete(trap),
    };
  }

  /** Notes a call and returns what is to be done with it. */
  note(call: Call): { before(): Promise<Verdict>; after: (() => Promise<Verdict>) | undefined } {
    this.calls.push(call);
    const due = [...this.#traps].filter((trap) => trap.matches(call) && ++trap.seen === trap.nth);
    const spring = async (trap: ArmedTrap) => {
      trap.sprung = true;
      return trap.act(call);
    };
    const [before, after] = (['before', 'after'] as const).map((moment) => due.find((trap) => trap.moment === moment));
    return {
      before: async () => (before === undefined ? 'pass' : spring(before)),
      after: after && (() => spring(after)),
    };
  }

  /** A place in the log, for `since`. */
  mark(): number {
    return this.calls.length;
  }

  since(mark: number, matches: (call: Call) => boolean = () => true): readonly Call[] {
    return this.calls.slice(mark).filter(matches);
  }
}

/** `2× GetBucketTagging, HeadBucket`: operations and how often, in the order of their first call. */
export const tally = (calls: readonly Call[]): string => {
  const counts = new Map<string, number>();
  for (const { operation } of calls) counts.set(operation, (counts.get(operation) ?? 0) + 1);
  return [...counts].map(([operation, count]) => (count === 1 ? operation : `${count}× ${operation}`)).join(', ');
};

/** True for a list that comes as the first events of a watch. Source: Kubernetes API concepts, streaming lists. */
export const isStreamedList = (path: string): boolean => path.includes('sendInitialEvents=true');

/** Names a call to the Kubernetes API. Source: Kubernetes API concepts, resource URIs. */
export const identifyKubeCall = (method: string, path: string): CallIdentity => {
  const url = new URL(path, 'http://kube');
  const place =
    /^\/(?:api|apis\/[^/]+)\/[^/]+(?:\/namespaces\/[^/]+(?=\/[^/]))?\/([^/]+)(?:\/([^/]+)(?:\/([^/]+))?)?$/.exec(
      url.pathname,
    );
  if (place === null)
    return { operation: `${method.toLowerCase()} ${url.pathname}`, effect: method === 'GET' ? 'read' : 'write' };
  const [, plural = '', name, subresource] = place;
  const resource = subresource === undefined ? plural : `${plural}/${subresource}`;
  if (method === 'GET') {
    if (!isStreamedList(path) && (url.searchParams.get('watch') === 'true' || url.searchParams.get('watch') === '1')) {
      return { operation: `watch ${resource}`, effect: 'watch' };
    }
    return { operation: `${name === undefined ? 'list' : 'get'} ${resource}`, effect: 'read' };
  }
  const operation = `${method.toLowerCase()} ${resource}`;
  if (plural === 'leases') return { operation, effect: 'lease' };
  if (plural === 'events') return { operation, effect: 'event' };
  // Reviews are questions asked by POST; nothing is stored.
  return { operation, effect: plural.endsWith('reviews') ? 'read' : 'write' };
};

const verbs: Readonly<Record<string, string>> = {
  GET: 'Get',
  HEAD: 'Head',
  PUT: 'Put',
  DELETE: 'Delete',
  POST: 'Post',
};

const bucketQueries: Readonly<Record<string, string>> = {
  versioning: 'BucketVersioning',
  tagging: 'BucketTagging',
  policy: 'BucketPolicy',
  policyStatus: 'BucketPolicyStatus',
  location: 'BucketLocation',
  encryption: 'BucketEncryption',
  publicAccessBlock: 'PublicAccessBlock',
  ownershipControls: 'BucketOwnershipControls',
  lifecycle: 'BucketLifecycleConfiguration',
  cors: 'BucketCors',
  notification: 'BucketNotificationConfiguration',
  replication: 'BucketReplication',
  'object-lock': 'ObjectLockConfiguration',
  acl: 'BucketAcl',
  requestPayment: 'BucketRequestPayment',
  logging: 'BucketLogging',
  website: 'BucketWebsite',
  accelerate: 'BucketAccelerateConfiguration',
};

/** Names a call to an S3 server, its IAM and STS (Query protocol), CloudTrail (JSON) or MinIO's admin API. `body`: of a POST. */
export const identifyS3Call = (
  method: string,
  path: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: string,
): CallIdentity => {
  const url = new URL(path, 'http://s3');
  const effectOf = (name: string): Effect =>
    /^(Get|List|Head|Describe|Lookup|Simulate)/.test(name) ? 'read' : 'write';

  const admin = /^\/minio\/admin\/v\d+\/(.+)$/.exec(url.pathname);
  if (admin) return { operation: `admin:${admin[1] ?? ''}`, effect: method === 'GET' ? 'read' : 'write' };

  const target = headers['x-amz-target'];
  if (typeof target === 'string') {
    const name = target.split('.').at(-1) ?? target;
    return { operation: `json:${name}`, effect: effectOf(name) };
  }
  if (method === 'POST' && (headers['content-type'] ?? '').includes('x-www-form-urlencoded')) {
    const name = new URLSearchParams(body).get('Action') ?? '?';
    return { operation: `iam:${name}`, effect: effectOf(name) };
  }

  const [bucket, ...key] = url.pathname.split('/').slice(1);
  const effect = method === 'GET' || method === 'HEAD' ? 'read' : 'write';
  const verb = verbs[method] ?? method;
  if (bucket === '') return { operation: 'ListBuckets', effect };
  if (key.join('/') !== '') return { operation: `${verb}Object`, effect };
  for (const [query, name] of Object.entries(bucketQueries)) {
    if (url.searchParams.has(query)) return { operation: `${verb}${name}`, effect };
  }
  if (url.searchParams.has('versions')) return { operation: 'ListObjectVersions', effect };
  if (url.searchParams.has('uploads')) return { operation: 'ListMultipartUploads', effect };
  if (url.searchParams.has('delete')) return { operation: 'DeleteObjects', effect };
  if (method === 'GET') return { operation: 'ListObjects', effect };
  return { operation: method === 'PUT' ? 'CreateBucket' : `${verb}Bucket`, effect };
};
