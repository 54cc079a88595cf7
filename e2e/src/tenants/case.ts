import { randomBytes } from 'node:crypto';
import {
  pairIn,
  accessKeySpec,
  bucketSpec,
  conditionOf,
  isReady,
  isRefusedWith,
  openAccess,
  s3View,
  startHostileEndpoint,
  until,
  type HostileEndpoint,
  type HostileOptions,
  type Kube,
  type Manifest,
  type Metadata,
  type OurKind,
  type Pair,
  type S3View,
  type ServerName,
  type Stored,
  type World,
} from '@operator/tools/harness';

/** Namespace of the Providers that are lent to the tenants. Their namespaces must name it, so that it is no secret. */
export const platform = 'platform';
/** Namespace of those to whom nothing may happen. No tenant ever names it, nor the objects in it. */
export const undisclosed = 'undisclosed';

/** A Provider that is lent to the tenants, and the server behind it. */
export interface Lent {
  readonly name: 'shared' | 'shared-aws';
  readonly server: Extract<ServerName, 'minio' | 'moto'>;
}
export const lent: Readonly<Record<Lent['name'], Lent>> = {
  shared: { name: 'shared', server: 'minio' },
  'shared-aws': { name: 'shared-aws', server: 'moto' },
};

/** What all attempts share. */
export interface Stage {
  readonly world: World;
  /** May do everything with the four kinds, their status and Secrets, in the namespaces of the tenants and nowhere else. */
  readonly tenant: Kube;
  /** A file with a line for each connection that a controller began: `address port`. */
  readonly connectionsLog: string;
  /** Endpoint by which a lent Provider is reached, as in its spec. */
  endpointOf(lentName: Lent['name']): string;
}

/** What belongs to somebody else: a bucket with an object in it, perhaps with the objects that look after it. */
export interface Victim {
  readonly bucket: string;
  /** Name of its Bucket and AccessKey in `undisclosed`. */
  readonly name: string;
  readonly view: S3View;
  readonly server: Lent['server'];
  /** Of its AccessKey, where it has one. */
  readonly key: (Pair & { readonly userName: string }) | undefined;
}

export interface VictimOptions {
  readonly through?: Lent['name'];
  /** False: made by hand, and no object looks after it. */
  readonly managed?: boolean;
  /** With an AccessKey of its own. */
  readonly key?: boolean;
  readonly bucket?: string;
  /** In place of what is put into it. */
  readonly letter?: string;
}

/** A bucket and a key of the tenant's own; all three objects have one name. */
export interface Lawful {
  readonly name: string;
  readonly bucket: string;
  readonly pair: Pair;
}

/** What an attempt found out, and what of it is wrong. */
export type Stop = 'harm' | 'silence' | 'name' | 'twin' | 'broken';
export interface Finding {
  readonly what: Stop;
  readonly message: string;
}

/** Thrown where an attempt itself sees what is wrong. */
export class Found extends Error {
  readonly what: Stop;
  constructor(what: Stop, message: string) {
    super(message);
    this.what = what;
  }
}

/** The full name of an annotation. */
export const annotation = (name: string): string => `s3.cloud37.dev/${name}`;

/** Ready has a reason that is no verdict yet. */
const underWay: ReadonlySet<string> = new Set(['Converging', 'KeyNotUsableYet', 'Conflict', 'Emptying']);

const letterKey = 'letter.txt';

/** One attempt's own namespace, and the words in which attempts are written. */
export class Case {
  readonly threat: string;
  readonly namespace: string;
  readonly stage: Stage;
  readonly victims: Victim[] = [];
  /** Objects of the tenant that must say why they are refused. */
  readonly refused: (readonly [OurKind, string])[] = [];
  /** Names that nothing of the tenant may show, beside those of the victims. */
  readonly unsayable: string[] = [];
  /** False where the attempt itself has written down a name that is to be hidden. */
  namesHidden = true;
  /** Secrets whose keys are known to keep rights, by decision. */
  readonly untried = new Set<string>();
  readonly #states = new Map<Victim, string>();
  readonly #closers: (() => Promise<unknown>)[] = [];
  #made = 0;

  constructor(threat: string, stage: Stage) {
    this.threat = threat;
    this.namespace = threat.toLowerCase();
    this.stage = stage;
  }

  get world(): World {
    return this.stage.world;
  }
  get admin(): Kube {
    return this.stage.world.kube;
  }
  get tenant(): Kube {
    return this.stage.tenant;
  }

  /** A name of a bucket that nobody has. */
  freshName(word = 'box'): string {
    this.#made += 1;
    return `${this.namespace}-${word}-${String(this.#made)}${randomBytes(3).toString('hex')}`;
  }

  onClose(close: () => Promise<unknown>): void {
    this.#closers.push(close);
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
  }

  // --- What belongs to others ---------------------------------------------------------------------------------------

  /** Makes it, and waits until it is well. */
  async victim(options: VictimOptions = {}): Promise<Victim> {
    const { through = 'shared', managed = true, bucket = this.freshName('vault'), letter = 'dear neighbour' } = options;
    const name = `withheld-${randomBytes(4).toString('hex')}`;
    const { server } = lent[through];
    const view = s3View(this.world.server(server));
    if (managed) {
      await this.admin.create('Bucket', undisclosed, name, this.victimSpec(through, bucket));
      await this.admin.untilReady('Bucket', undisclosed, name).catch((error: unknown) => {
        throw new Found('harm', `the owner of ${bucket} does not get it: ${String(error)}`);
      });
    } else await view.client.makeBucket(bucket);
    let key: Victim['key'];
    if (options.key === true) {
      const spec = accessKeySpec(through, name, 'ReadWrite', { providerRef: { name: through, namespace: platform } });
      await this.admin.create('AccessKey', undisclosed, name, spec);
      const { status } = await this.admin.untilReady('AccessKey', undisclosed, name, 60_000);
      key = { ...(await this.pairOf(name, undisclosed)), userName: status?.userName ?? '' };
    }
    await view.client.putObject(bucket, letterKey, letter);
    return this.mind({ bucket, name, view, server, key });
  }

  victimSpec(through: Lent['name'], bucket: string): Manifest {
    const change = {
      providerRef: { name: through, namespace: platform },
      deletionPolicy: 'Retain',
      forceDelete: false,
    };
    return bucketSpec(through, bucket, change);
  }

  /** From now on nothing may happen to it. */
  async mind(victim: Victim): Promise<Victim> {
    this.victims.push(victim);
    this.#states.set(victim, await stateOf(victim));
    return victim;
  }

  // --- What the tenant does -----------------------------------------------------------------------------------------

  /** A hostile endpoint that ends with the attempt. */
  async hostile(options: HostileOptions = {}): Promise<HostileEndpoint> {
    const endpoint = await startHostileEndpoint(options);
    this.onClose(() => endpoint.close());
    return endpoint;
  }

  /** A Provider of the tenant's own, with credentials that a hostile endpoint believes, or these. */
  async provider(name: string, endpoint: string, spec: Manifest = {}, pair?: Pair, metadata: Manifest = {}) {
    const { accessKey, secretKey } = pair ?? { accessKey: 'tenants-own', secretKey: 'tenants-own-secret' };
    await this.tenant.create('Secret', this.namespace, `${name}-root`, {
      stringData: { 'access-key': accessKey, 'secret-key': secretKey },
    });
    const secret = { name: `${name}-root` };
    await this.tenant.create('Provider', this.namespace, name, {
      metadata,
      spec: {
        type: 'custom',
        endpoint,
        region: 'us-east-1',
        auth: { accessKeySecretRef: secret, secretKeySecretRef: secret },
        checkIntervalSeconds: 86_400,
        ...spec,
      },
    });
  }

  /** A Bucket of the tenant's that may be made public, through a lent Provider or one of its own. */
  async bucket(name: string, through: string, bucket: string, change: Manifest = {}, metadata: Manifest = {}) {
    const providerRef = through in lent ? { name: through, namespace: platform } : { name: through };
    const spec = { spec: { providerRef, name: bucket, ...openAccess, ...change }, metadata };
    await this.tenant.create('Bucket', this.namespace, name, spec);
  }

  /** A Bucket of somebody else's that is lent to the tenant, which writes down its name. @returns its name, which is that of its bucket too */
  async lentBucket(word: string, through: string, change: Manifest = {}): Promise<string> {
    const name = this.freshName(word);
    const providerRef = { name: through, namespace: platform };
    const allowedNamespaces = { names: [this.namespace] };
    await this.admin.create('Bucket', undisclosed, name, { spec: { providerRef, name, ...change, allowedNamespaces } });
    await this.admin.untilReady('Bucket', undisclosed, name);
    this.namesHidden = false;
    return name;
  }

  /** An AccessKey of the tenant's through a lent Provider, with all rights in Buckets of its namespace. */
  async key(name: string, through: Lent['name'], buckets: readonly string[], change: Manifest = {}) {
    const access = buckets.map((bucket) => ({ bucketRef: { name: bucket }, level: 'Admin' }));
    const providerRef = { name: through, namespace: platform };
    const spec = { spec: { providerRef, ...(access.length > 0 && { access }), ...change } };
    await this.tenant.create('AccessKey', this.namespace, name, spec);
  }

  /** A public policy on a Bucket of the tenant's. */
  async policy(name: string, bucket: string, resource = 'arn:aws:s3:::${bucket}/*', change: Manifest = {}) {
    const statement = [{ sid: 'open', effect: 'Allow', principal: '*', action: 's3:GetObject', resource, ...change }];
    const spec = { spec: { bucketRef: { name: bucket }, policy: { statement } } };
    await this.tenant.create('BucketPolicy', this.namespace, name, spec);
  }

  /** An AccessKey that must get nothing, and say so: it is looked at until the controllers have surely seen all there is. */
  async refusedKey(name: string, through: Lent['name'], buckets: readonly string[]): Promise<void> {
    await this.key(name, through, buckets);
    await this.#refused('AccessKey', name);
  }

  /** The same of a public policy. */
  async refusedPolicy(name: string, bucket: string): Promise<void> {
    await this.policy(name, bucket);
    await this.#refused('BucketPolicy', name);
  }

  async #refused(kind: OurKind, name: string): Promise<void> {
    await this.verdict(kind, name);
    await this.again(kind, name);
    this.refuse(kind, name);
  }

  async annotate(kind: OurKind, name: string, annotations: Readonly<Record<string, string | null>>): Promise<void> {
    await this.tenant.patch(kind, this.namespace, name, { metadata: { annotations } });
  }

  pause(kind: OurKind, name: string): Promise<void> {
    return this.annotate(kind, name, { [annotation('paused')]: 'true' });
  }

  /** Deletes an object that a finalizer of the tenant's then keeps in the API until the attempt ends. */
  async holdAndDelete(kind: OurKind, name: string, { strips = false } = {}): Promise<void> {
    const stored = await this.admin.get(kind, this.namespace, name);
    const others = strips ? [] : (stored?.metadata.finalizers ?? []);
    await this.tenant.patch(kind, this.namespace, name, { metadata: { finalizers: [...others, 'tenant.test/hold'] } });
    await this.tenant.delete(kind, this.namespace, name);
    this.onClose(() => this.release(kind, name));
  }

  /** Takes off every finalizer, also ours. */
  async release(kind: OurKind, name: string): Promise<void> {
    await this.tenant.patch(kind, this.namespace, name, { metadata: { finalizers: [] } }).catch(() => null);
  }

  /** Claims in the status what the controllers never found. */
  async forge(kind: OurKind, name: string, status: Manifest): Promise<void> {
    await this.tenant.patchStatus(kind, this.namespace, name, status);
  }

  /** What the status of a Bucket says that was made through a lent Provider. */
  ownedStatus(through: Lent['name'], bucket: string): Manifest {
    const endpoint = through === 'shared' ? this.stage.endpointOf(through) : 'aws';
    return {
      bucketName: bucket,
      exists: true,
      ownership: 'Created',
      endpoint,
      region: 'us-east-1',
      lastSyncTime: '2099-01-01T00:00:00.000Z',
    };
  }

  until<T>(look: () => Promise<T>, holds: (seen: T) => boolean, what: string, timeoutMs = 60_000): Promise<T> {
    return until(look, holds, { what, timeoutMs });
  }

  /** What must come to hold, or somebody is harmed. */
  async must<T>(look: () => Promise<T>, holds: (seen: T) => boolean, what: string): Promise<void> {
    await this.until(look, holds, what, 30_000).catch((error: unknown) => {
      throw new Found('harm', String(error));
    });
  }

  /** Waits until the controllers have said what they think of the object as it is now. */
  async verdict<K extends OurKind>(kind: K, name: string, namespace = this.namespace): Promise<Stored<K>> {
    const seen = await until<Stored<K> | undefined>(
      () => this.admin.get(kind, namespace, name),
      (object) => hasVerdict(object),
      { what: `${kind} ${namespace}/${name} has a verdict`, timeoutMs: 60_000 },
    );
    if (seen === undefined) throw new Error('no object');
    return seen;
  }

  /**
   * Waits until the object has a verdict that is not of what it refers to: a Provider that was just made is not usable for an instant, and
   * an attempt that is judged by that instant tries nothing. Where the Provider itself is refused, that is the verdict.
   */
  async verdictBeyond<K extends OurKind>(kind: K, name: string, provider: string): Promise<Stored<K>> {
    const isUsable = isReady(await this.verdict('Provider', provider));
    if (!isUsable) return this.verdict(kind, name);
    const seen = await until<Stored<K> | undefined>(
      () => this.admin.get(kind, this.namespace, name),
      (object) => hasVerdict(object) && !isOfProvider(conditionOf(object, 'Ready')?.reason),
      { what: `${kind} ${this.namespace}/${name} has a verdict of its own`, timeoutMs: 60_000 },
    );
    if (seen === undefined) throw new Error('no object');
    return seen;
  }

  /**
   * Further verdicts, for controllers see what others wrote a moment later than that: after two changes that mean nothing, or
   * after this one.
   */
  async again<K extends OurKind>(kind: K, name: string, spec?: Manifest): Promise<Stored<K>> {
    for (const change of spec === undefined ? [this.#touch(kind), this.#touch(kind)] : [spec]) {
      await this.tenant.patch(kind, this.namespace, name, { spec: change });
      await this.verdict(kind, name);
    }
    return this.verdict(kind, name);
  }

  #touch(kind: OurKind): Manifest {
    this.#made += 1;
    const turn = this.#made;
    if (kind === 'AccessKey') return { displayName: `turn ${String(turn)}` };
    if (kind === 'Provider') return { requestsPerSecond: 500 + turn };
    if (kind === 'Bucket') return { tagging: { tags: { turn: String(turn) } } };
    // Nothing in a document tells the two versions apart but a variable, which none of ours has.
    return { policy: { version: turn % 2 === 0 ? '2012-10-17' : '2008-10-17' } };
  }

  /** Waits until a deletion is done, or says what it waits for. */
  async deletion(kind: OurKind, name: string): Promise<void> {
    await until(
      () => this.admin.get(kind, this.namespace, name),
      (object) => {
        if (object === undefined) return true;
        const ready = conditionOf(object, 'Ready');
        const isOfDeletion = ready?.observedGeneration === object.metadata.generation;
        return isOfDeletion && ready?.status === 'False' && !underWay.has(ready.reason) && ready.reason !== 'Paused';
      },
      { what: `the deletion of ${kind} ${name} is settled`, timeoutMs: 60_000 },
    );
  }

  /** The object is to be refused, and to say so. */
  refuse(kind: OurKind, name: string): void {
    this.refused.push([kind, name]);
  }

  async pairOf(accessKey: string, namespace = this.namespace): Promise<Pair> {
    const pair = await this.#pairIn(`${accessKey}-credentials`, namespace);
    if (pair === undefined) throw new Error(`AccessKey ${namespace}/${accessKey} has no Secret`);
    return pair;
  }

  async #pairIn(secretName: string, namespace: string): Promise<Pair | undefined> {
    const pair = pairIn(await this.admin.get('Secret', namespace, secretName));
    return pair.accessKey === '' || pair.secretKey === '' ? undefined : pair;
  }

  /** The server as the holder of this pair sees it. */
  as(pair: Pair, server: Lent['server']): S3View {
    const { endpoint, region } = this.world.server(server);
    return s3View({ endpoint, region, ...pair });
  }

  // --- Twins --------------------------------------------------------------------------------------------------------

  /** The lawful form of most attempts: a bucket of one's own, and a key that opens it. */
  async lawfulKey(through: Lent['name'] = 'shared', change: Manifest = {}): Promise<Lawful> {
    const { name, bucket } = await this.lawfulBucket(through);
    await this.key(name, through, [name], change);
    await this.admin.untilReady('AccessKey', this.namespace, name, 60_000);
    const pair = await this.pairOf(name);
    await this.lawfulAccess(pair, bucket, through);
    return { name, bucket, pair };
  }

  /** A key may write to and read from a bucket. */
  async lawfulAccess(pair: Pair, bucket: string, through: Lent['name'] = 'shared'): Promise<void> {
    const { client } = this.as(pair, lent[through].server);
    await client.putObject(bucket, letterKey, 'mine');
    await client.statObject(bucket, letterKey);
  }

  /** A bucket of one's own, which goes with its object. */
  async lawfulBucket(through: Lent['name'] = 'shared'): Promise<{ readonly name: string; readonly bucket: string }> {
    const bucket = this.freshName('own');
    await this.bucket(bucket, through, bucket, { deletionPolicy: 'Delete', forceDelete: true });
    await this.admin.untilReady('Bucket', this.namespace, bucket, 60_000);
    return { name: bucket, bucket };
  }

  /** A bucket of one's own with a public policy that is at the server. */
  async lawfulPolicy(): Promise<void> {
    const { name, bucket } = await this.lawfulBucket();
    await this.policy(name, name);
    await this.admin.untilReady('BucketPolicy', this.namespace, name, 60_000);
    const stored = await s3View(this.world.server('minio')).policy(bucket);
    if (stored === undefined) throw new Error('the lawful policy is not at the server');
  }

  /** A bucket of one's own that is full, and goes with its object. */
  async lawfulDeletion(): Promise<void> {
    const { client } = s3View(this.world.server('minio'));
    const { name, bucket } = await this.lawfulBucket();
    await client.putObject(bucket, letterKey, 'mine');
    await this.tenant.delete('Bucket', this.namespace, name);
    await this.admin.untilGone('Bucket', this.namespace, name, 60_000);
    if (await client.bucketExists(bucket)) throw new Error('the lawful deletion left the bucket');
  }

  /** A Provider of one's own at an endpoint that behaves, with a bucket on it. */
  async lawfulProvider(): Promise<void> {
    const { url } = await this.hostile({ owner: 'tenant' });
    await this.provider('lawful', url);
    await this.bucket('lawful', 'lawful', this.freshName('own'));
    await this.admin.untilReady('Provider', this.namespace, 'lawful', 60_000);
    await this.admin.untilReady('Bucket', this.namespace, 'lawful', 60_000);
  }

  // --- What is judged after every attempt ---------------------------------------------------------------------------

  async findings(): Promise<readonly Finding[]> {
    const found: Finding[] = [];
    const look = async (what: Stop, judge: () => Promise<string | undefined>) => {
      const message = await judge().catch((error: unknown) => String(error));
      if (message !== undefined) found.push({ what, message });
    };
    for (const victim of this.victims) {
      await look('harm', () => this.#damageOf(victim));
      await look('harm', () => this.#rightsIn(victim));
    }
    for (const [kind, name] of this.refused) await look('silence', () => this.#silenceOf(kind, name));
    if (this.namesHidden) await look('name', () => this.#nameShown());
    return found;
  }

  async #damageOf(victim: Victim): Promise<string | undefined> {
    const [before, now] = [this.#states.get(victim), await stateOf(victim)];
    if (before !== now) return `bucket ${victim.bucket} was changed: ${before ?? ''} became ${now}`;
    const object = await this.admin.get('Bucket', undisclosed, victim.name);
    if (object !== undefined && !isReady(object))
      return `the Bucket of ${victim.bucket} is no longer Ready: ${JSON.stringify(conditionOf(object, 'Ready'))}`;
    if (victim.key === undefined) return undefined;
    const own = this.as(victim.key, victim.server);
    return own.client.statObject(victim.bucket, letterKey).then(
      () => undefined,
      (error: unknown) => `the key to ${victim.bucket} is no longer good: ${String(error)}`,
    );
  }

  /** Tries every pair that the tenant's namespace has. */
  async #rightsIn(victim: Victim): Promise<string | undefined> {
    for (const { metadata } of await this.admin.list('Secret', this.namespace)) {
      if (this.untried.has(metadata.name)) continue;
      const pair = await this.#pairIn(metadata.name, this.namespace);
      if (pair === undefined) continue;
      const right = await this.rightOf(pair, victim);
      if (right !== undefined) return `the key in ${metadata.name} may ${right} bucket ${victim.bucket}`;
    }
    return undefined;
  }

  /** What this pair may do with somebody else's bucket; undefined when nothing. */
  async rightOf(pair: Pair, { bucket, server }: Pick<Victim, 'bucket' | 'server'>): Promise<string | undefined> {
    const { client } = this.as(pair, server);
    const tries: readonly (readonly [string, () => Promise<unknown>])[] = [
      ['read objects of', () => client.statObject(bucket, letterKey)],
      ['list', () => client.listObjectsV2(bucket).toArray()],
      ['read the policy of', () => client.getBucketPolicy(bucket)],
      ['write objects to', () => client.putObject(bucket, 'planted', 'by a tenant')],
    ];
    for (const [right, act] of tries) {
      const outcome = await act().then(
        () => undefined,
        (error: unknown) => (error as { code?: string }).code ?? String(error),
      );
      // That there is no policy is told only to those who may read one.
      if (outcome === undefined || outcome === 'NoSuchBucketPolicy') return right;
    }
    return undefined;
  }

  async #silenceOf(kind: OurKind, name: string): Promise<string | undefined> {
    const object = await this.admin.get(kind, this.namespace, name);
    const ready = conditionOf(object, 'Ready');
    if (ready?.status === 'False' && ready.reason !== 'InternalError' && ready.message !== '') return undefined;
    return `${kind} ${name} does not say that it is refused: ${JSON.stringify(ready)}`;
  }

  async #nameShown(): Promise<string | undefined> {
    const names = [undisclosed, ...this.victims.map(({ name }) => name), ...this.unsayable];
    for (const kind of ['Provider', 'Bucket', 'BucketPolicy', 'AccessKey', 'Event'] as const) {
      for (const object of await this.admin.list(kind, this.namespace)) {
        const text = JSON.stringify(object);
        const shown = names.find((name) => text.includes(name));
        if (shown === undefined) continue;
        const at = text.indexOf(shown);
        return `${kind} ${object.metadata.name} shows ${shown}: …${text.slice(Math.max(0, at - 120), at + 80)}…`;
      }
    }
    return undefined;
  }
}

const hasVerdict = (object: { readonly metadata: Metadata } | undefined): boolean => {
  const ready = conditionOf(object, 'Ready');
  if (ready === undefined || ready.observedGeneration !== object?.metadata.generation) return false;
  return ready.status !== 'Unknown' && !underWay.has(ready.reason);
};

const isOfProvider = (reason: string | undefined): boolean =>
  reason === 'ProviderNotReady' || reason === 'ProviderNotFound';

/** Everything that may not change, as text. */
const stateOf = async ({ bucket, view }: Victim): Promise<string> => {
  const seen = await view.bucket(bucket);
  if (seen === undefined) return 'gone';
  const listed = (await view.client.listObjectsV2(bucket, '', true).toArray()) as { name: string; etag: string }[];
  const objects = listed.map(({ name, etag }) => `${name} ${etag}`).toSorted();
  const tags = Object.entries(seen.tags).toSorted();
  return JSON.stringify({ objects, tags, versioning: seen.versioning, policy: (await view.policy(bucket)) ?? null });
};

/** The API server must refuse what `act` asks for. @throws Error when it does not */
export const expectRefusedAtAdmission = async (act: () => Promise<unknown>, status = 422): Promise<void> => {
  const taken = await act().then(
    () => true,
    (error: unknown) => {
      if (isRefusedWith(error, status)) return false;
      throw error;
    },
  );
  if (taken) throw new Error('the API server took what it must refuse');
};

/** One thing that a tenant tries. */
export interface Attempt {
  /** Its number in docs/security.md. */
  readonly threat: string;
  readonly title: string;
  /** What the tenant does; ends when the controllers have given their verdict. */
  readonly act: (given: Case) => Promise<void>;
  /** What must hold besides that no victim was harmed, no right given, no name shown. @throws Error when it does not */
  readonly judge?: (given: Case) => Promise<void>;
  /** The lawful form, which must succeed. */
  readonly twin: (given: Case) => Promise<unknown>;
}
