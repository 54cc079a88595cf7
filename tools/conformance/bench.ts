import type { S3Client } from '@aws-sdk/client-s3';
import { CreateBucketCommand, GetBucketTaggingCommand, PutBucketTaggingCommand } from '@aws-sdk/client-s3';
import type { Kube, Manifest, OurKind, Pair, Stored, World } from '../harness/index.ts';
import { conditionOf, passRequest, until } from '../harness/index.ts';
import type { Profile } from './report.ts';
import { clientOf, type Target } from './target.ts';

/** What is seen is not what a case expects. */
export class Mismatch extends Error {}

/** The operator says Ready, and an independent client does not see it. */
export class Lie extends Mismatch {}

/** For what the operator says is so, and is not. */
export const asLie = (error: unknown): never => {
  if (!(error instanceof Mismatch)) throw error;
  throw new Lie(`The object is Ready, and ${error.message}`, { cause: error });
};

/** How a case ended: it holds; it holds because the object says that the server lacks what it declares; it does not hold. */
export type Ending = 'holds' | 'saysUnsupported' | 'fails';

/** One case, as it ended. */
export interface CaseResult {
  readonly profile: Profile;
  /** The row of the matrix that it belongs to. */
  readonly feature: string;
  /** A fact. */
  readonly title: string;
  readonly ending: Ending;
  /** True when its end decides whether the server has the feature. */
  readonly isDecisive: boolean;
  /** What was seen in its place, or what the object says. */
  readonly seen?: string;
  readonly isLie: boolean;
  /** What a plain client found, where the case has asked one. */
  readonly raw?: RawAnswer;
  readonly ms: number;
}

/** What a plain client found that tried by itself what the operator did not do. */
export type RawAnswer =
  | { readonly raw: 'works' | 'ignored' | 'refused'; readonly words: string }
  /** The server asks for something that the run does not have. */
  | { readonly raw: 'untried'; readonly words: string }
  /** No call of the S3 API does this. */
  | { readonly raw: 'none'; readonly words: string };

/** What an object says once its verdict is there. */
export interface Says {
  readonly isReady: boolean;
  readonly reason: string;
  readonly message: string;
  /** What it says that the server lacks. */
  readonly unsupported: string | undefined;
}

/** What every case works with. */
export interface Bench {
  readonly target: Target;
  readonly world: World;
  readonly kube: Kube;
  readonly namespace: string;
  /** The Provider of the server. */
  readonly provider: string;
  readonly signal: AbortSignal;
  /** A client that is not the operator's, as the administrator. */
  readonly independent: S3Client;
  /** The same with a key pair; closed with the run. */
  clientWith(pair: Pair): S3Client;
  /** The name of a bucket of this run. */
  named(name: string): string;
  /** Creates a bucket past the operator, with a tag of this run where the server has tags. */
  createForeign(name: string, tags?: Readonly<Record<string, string>>): Promise<string>;
  /** Creates an object; a Bucket goes with its contents unless its spec says otherwise. */
  declare(kind: OurKind, name: string, spec: Manifest, metadata?: Manifest): Promise<void>;
  /** A merge patch of the spec; null removes. */
  change(kind: OurKind, name: string, change: Manifest): Promise<void>;
  get<K extends OurKind>(kind: K, name: string): Promise<Stored<K> | undefined>;
  /** Asks for a pass now. */
  look(kind: OurKind, name: string): Promise<void>;
  /** Waits for the verdict on the present generation. */
  settles(kind: OurKind, name: string): Promise<Says>;
  /** Waits until Ready is True for the present generation. @throws Mismatch at once when the verdict is another */
  becomesReady(kind: OurKind, name: string): Promise<void>;
  /** Waits until Ready is False with one of these reasons; returns the message. */
  saysNotReady(kind: OurKind, name: string, ...reasons: readonly string[]): Promise<string>;
  /** Deletes it and waits until it is gone. */
  deletes(kind: OurKind, name: string): Promise<void>;
  /** Waits until `holds` says yes of what is seen. @throws Mismatch with the last that was seen */
  sees<T>(what: string, look: () => Promise<T>, holds: (seen: T) => boolean): Promise<T>;
  /** The same of what a server may take its time for after it has said yes: who may do what. */
  takesEffect<T>(what: string, look: () => Promise<T>, holds: (seen: T) => boolean): Promise<T>;
  /** Events about an object, as `reason: message`, each as often as it was told. */
  events(kind: OurKind, name: string): Promise<readonly string[]>;
}

/** The tag by which buckets are known that the suite created past the operator. */
export const runTag = 'wasabi-s3-operator-conformance';

/** How long one thing may take; only what hangs is meant to end by it. A key that nothing can prove is taken for good after two minutes. */
const patienceMs = 180_000;

/** How long a server on this machine may take until what it has said is so for everybody. */
const ownPatienceMs = 15_000;

const shortly = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 600 ? `${line.slice(0, 600)} …` : line;
};
export const wordsOf = (error: unknown): string => shortly(error instanceof Error ? error.message : String(error));

/** What a condition says whose sentence stands in Ready already. */
const toldOnTop = 'Ready says why.';

export const sayingOf = (object: object | undefined): Says => {
  const ready = conditionOf(object, 'Ready');
  const lack = conditionOf(object, 'Unsupported');
  return {
    isReady: ready?.status === 'True',
    reason: ready?.reason ?? 'no verdict',
    message: ready?.message ?? '',
    unsupported:
      lack?.status === 'True' && lack.message !== toldOnTop
        ? lack.message
        : ready?.reason === 'Unsupported'
          ? ready.message
          : undefined,
  };
};

/** True once the generation that is there has its verdict, or the server has refused it in its own words. */
const hasVerdict = (object: Stored<OurKind> | undefined): boolean => {
  if (object === undefined) return false;
  const { generation } = object.metadata;
  const ready = conditionOf(object, 'Ready');
  if (ready?.reason === 'RequestRefused') return ready.observedGeneration === generation;
  return object.status?.observedGeneration === generation && conditionOf(object, 'Reconciling') === undefined;
};

export const createBench = (given: {
  readonly target: Target;
  readonly world: World;
  readonly namespace: string;
  readonly provider: string;
  /** What all names of buckets of this run begin with. */
  readonly prefix: string;
  readonly signal: AbortSignal;
  readonly onClient: (client: S3Client) => void;
}): Bench => {
  const { target, world, namespace, prefix, signal, onClient } = given;
  const { kube } = world;
  const clientWith = (pair: Pair = target) => {
    const client = clientOf(target, pair);
    onClient(client);
    return client;
  };
  const independent = clientWith();
  let looks = 0;

  const waits = async <T>(
    what: string,
    look: () => Promise<T>,
    holds: (seen: T) => boolean,
    timeoutMs = patienceMs,
  ): Promise<T> => {
    try {
      return await until(look, holds, { what, timeoutMs, everyMs: 100, signal });
    } catch (error) {
      signal.throwIfAborted();
      throw new Mismatch(wordsOf(error), { cause: error });
    }
  };
  const saying = async (kind: OurKind, name: string, what: string, holds: (object: Stored<OurKind>) => boolean) => {
    let last: Says | undefined;
    try {
      await until(
        () => kube.get(kind, namespace, name),
        (object) => {
          last = sayingOf(object);
          return object !== undefined && holds(object);
        },
        { what, timeoutMs: patienceMs, everyMs: 50, signal, show: () => JSON.stringify(last) },
      );
    } catch (error) {
      signal.throwIfAborted();
      throw new Mismatch(
        `${kind} ${name} says Ready=${last?.isReady === true ? 'True' : 'False'} ${last?.reason ?? ''}: ${shortly(last?.message ?? '')}, and not ${what}`,
        { cause: error },
      );
    }
    return last ?? sayingOf(undefined);
  };

  const bench: Bench = {
    ...given,
    kube,
    independent,
    clientWith,
    named: (name) => `${prefix}${name}`,
    async createForeign(name, tags = {}) {
      const Bucket = bench.named(name);
      const elsewhere = target.type === 'aws' && target.region !== 'us-east-1';
      await independent.send(
        new CreateBucketCommand({
          Bucket,
          ...(elsewhere ? { CreateBucketConfiguration: { LocationConstraint: target.region as 'eu-west-1' } } : {}),
        }),
      );
      const TagSet = Object.entries({ [runTag]: namespace, ...tags }).map(([Key, Value]) => ({ Key, Value }));
      // Without tags it is known by its name alone.
      await independent.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } })).catch(() => undefined);
      return Bucket;
    },
    async declare(kind, name, spec, metadata) {
      const goes = kind === 'Bucket' ? { deletionPolicy: 'Delete', forceDelete: true } : {};
      await kube.create(kind, namespace, name, {
        ...(metadata === undefined ? {} : { metadata }),
        spec: { ...goes, ...spec },
      });
    },
    async change(kind, name, change) {
      await kube.patch(kind, namespace, name, { spec: change });
    },
    get: (kind, name) => kube.get(kind, namespace, name),
    async look(kind, name) {
      looks += 1;
      await kube.patch(kind, namespace, name, passRequest(`look-${String(looks)}`));
    },
    settles: (kind, name) => saying(kind, name, 'a verdict', hasVerdict),
    async becomesReady(kind, name) {
      const says = await saying(
        kind,
        name,
        'Ready=True',
        (object) =>
          hasVerdict(object) && (sayingOf(object).isReady || conditionOf(object, 'Unsupported') !== undefined),
      );
      if (!says.isReady)
        throw new Mismatch(`${kind} ${name} says Ready=False ${says.reason}: ${shortly(says.message)}`);
    },
    async saysNotReady(kind, name, ...reasons) {
      const { message } = await saying(kind, name, `Ready=False ${reasons.join(' or ')}`, (object) => {
        const { isReady, reason } = sayingOf(object);
        return !isReady && reasons.includes(reason);
      });
      return message;
    },
    async deletes(kind, name) {
      await kube.delete(kind, namespace, name);
      await waits(
        `${kind} ${name} is gone`,
        () => kube.get(kind, namespace, name),
        (object) => object === undefined,
      );
    },
    sees: waits,
    takesEffect: (what, look, holds) =>
      waits(what, look, holds, target.known === undefined ? patienceMs : ownPatienceMs),
    async events(kind, name) {
      const all = await kube.list('Event', namespace);
      return all
        .filter(({ involvedObject: at }) => at?.kind === kind && at.name === name)
        .flatMap(({ reason = '', message, note, count = 1 }) =>
          Array.from({ length: count }, () => `${reason}: ${message ?? note ?? ''}`),
        );
    },
  };
  return bench;
};

/** Tags of a bucket as the independent client sees them; empty where there are none, or the server has none. */
export const tagsOf = async (client: S3Client, Bucket: string): Promise<Readonly<Record<string, string>>> => {
  try {
    const { TagSet = [] } = await client.send(new GetBucketTaggingCommand({ Bucket }));
    return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]));
  } catch {
    return {};
  }
};
