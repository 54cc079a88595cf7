import {
  bindAspect,
  checkS3Health,
  createCreationTags,
  faultFromError,
  answerOf,
  probeFeatures,
  tagging,
  versioning,
  type Credentials,
  type Driver,
  type Wire,
} from '@operator/s3';
import { redact, type CallContext } from '@operator/outcome';

/** One version of an object; `isLocked`: its deletion is refused, by a retention in GOVERNANCE where `lockedUntil` says so. */
export interface MemoryVersion {
  readonly Key: string;
  readonly VersionId: string;
  readonly isLocked: boolean;
  readonly lockedUntil?: Date;
}

/** A bucket as the server has it; tests look at it and change it behind the operator's back. */
export interface MemoryBucket {
  createdAt: Date;
  readonly region: string;
  tags: Map<string, string>;
  versioning: 'Enabled' | 'Suspended' | undefined;
  policy: string | undefined;
  versions: MemoryVersion[];
}

export interface MemoryS3Options {
  readonly now: () => Date;
  /** False: the server has no bucket tags, so no mark. */
  readonly tags?: boolean;
  /** True: it says of a bucket that is not there that it has no tags, as MinIO does. */
  readonly hidesMissing?: boolean;
  /** True: DeleteBucket removes a bucket with all that is in it, as SeaweedFS does. */
  readonly removesFullBuckets?: boolean;
  /** True: the driver knows that it refuses to create a bucket that is there, as it always does. */
  readonly refusesRecreation?: true;
  /** What it makes of tags in CreateBucket; the driver sends none when absent. */
  readonly creationTags?: 'kept' | 'dropped' | 'MalformedXML' | 'AccessDenied';
  /** Tags and versioning when absent. */
  readonly aspects?: Driver['aspects'];
  readonly keys?: Driver['keys'] | undefined;
  readonly serverIdentity?: string;
  /** The code with which a pair is refused, undefined when it signs in; all pairs do when absent. */
  readonly refusalOf?: (credentials: Credentials) => string | undefined;
}

/** An S3 server in memory behind a Driver, so that a reconciler's every call and its whole effect can be seen. */
export interface MemoryS3 {
  readonly buckets: Map<string, MemoryBucket>;
  readonly driver: Driver;
  /** Makes a bucket as somebody else would. */
  make(name: string, overrides?: Partial<MemoryBucket>): MemoryBucket;
  /** What every call of an operation has brought so far. */
  inputs(operation: string): readonly Readonly<Record<string, unknown>>[];
  /** Refuses an operation with this code and status until it is allowed again; undefined allows it. */
  refuse(operation: string, refusal: { readonly code: string; readonly status: number } | undefined): void;
}

type Input = Readonly<Record<string, unknown>>;

const refusal = (code: string, status: number, region?: string): Error =>
  Object.assign(new Error(`${code}, says the server in memory`), {
    name: code,
    $metadata: { httpStatusCode: status },
    $response: { statusCode: status, headers: region === undefined ? {} : { 'x-amz-bucket-region': region } },
  });

const isRead = (operation: string): boolean => /^(Get|Head|List)/.test(operation);

/** Starts with no buckets, in region us-east-1. */
export const createMemoryS3 = (options: MemoryS3Options): MemoryS3 => {
  const { now, tags: keepsTags = true, hidesMissing = false, serverIdentity = 'http://s3.test' } = options;
  const buckets = new Map<string, MemoryBucket>();
  const refusals = new Map<string, { readonly code: string; readonly status: number }>();
  const asked: { readonly operation: string; readonly input: Input }[] = [];
  let hasRefusedTags = false;

  const make: MemoryS3['make'] = (name, overrides = {}) => {
    const bucket: MemoryBucket = {
      createdAt: now(),
      region: 'us-east-1',
      tags: new Map(),
      versioning: undefined,
      policy: undefined,
      versions: [],
      ...overrides,
    };
    buckets.set(name, bucket);
    return bucket;
  };

  const existing = (name: unknown, region: string, isHead = false): MemoryBucket => {
    const bucket = buckets.get(String(name));
    if (bucket === undefined) throw refusal(isHead ? 'NotFound' : 'NoSuchBucket', 404);
    if (bucket.region !== region) throw refusal('PermanentRedirect', 301, bucket.region);
    return bucket;
  };

  const answer = (operation: string, input: Input, region: string): unknown => {
    asked.push({ operation, input });
    const refused = refusals.get(operation);
    if (refused !== undefined) throw refusal(refused.code, refused.status);
    if (operation === 'ListBuckets') {
      const Buckets = [...buckets].map(([Name, { createdAt }]) => ({ Name, CreationDate: createdAt }));
      return { Owner: { ID: 'account' }, Buckets };
    }
    if (operation === 'CreateBucket') {
      if (buckets.has(String(input.Bucket))) throw refusal('BucketAlreadyOwnedByYou', 409);
      const { Tags = [] } = (input.CreateBucketConfiguration ?? {}) as {
        Tags?: readonly { Key: string; Value: string }[];
      };
      if (Tags.length > 0 && options.creationTags === 'MalformedXML') throw refusal('MalformedXML', 400);
      if (Tags.length > 0 && options.creationTags === 'AccessDenied') throw refusal('AccessDenied', 403);
      const kept = options.creationTags === 'kept' ? Tags : [];
      make(String(input.Bucket), { region, tags: new Map(kept.map(({ Key, Value }) => [Key, Value])) });
      return {};
    }
    if (operation === 'GetBucketTagging' && hidesMissing && !buckets.has(String(input.Bucket))) {
      throw refusal('NoSuchTagSet', 404);
    }
    const bucket = existing(input.Bucket, region, operation === 'HeadBucket');
    switch (operation) {
      case 'HeadBucket':
        return { BucketRegion: bucket.region };
      case 'GetBucketLocation':
      case 'ListObjectsV2':
        return {};
      case 'DeleteBucket':
        if (bucket.versions.length > 0 && options.removesFullBuckets !== true) throw refusal('BucketNotEmpty', 409);
        buckets.delete(String(input.Bucket));
        return {};
      case 'GetBucketTagging':
        if (!keepsTags) hasRefusedTags = true;
        if (!keepsTags) throw refusal('NotImplemented', 501);
        if (bucket.tags.size === 0) throw refusal('NoSuchTagSet', 404);
        return { TagSet: [...bucket.tags].map(([Key, Value]) => ({ Key, Value })) };
      case 'PutBucketTagging': {
        const { TagSet } = input.Tagging as { TagSet: readonly { Key: string; Value: string }[] };
        bucket.tags = new Map(TagSet.map(({ Key, Value }) => [Key, Value]));
        return {};
      }
      case 'GetBucketVersioning':
        return bucket.versioning === undefined ? {} : { Status: bucket.versioning };
      case 'PutBucketVersioning':
        bucket.versioning = (input.VersioningConfiguration as { Status: 'Enabled' | 'Suspended' }).Status;
        return {};
      case 'GetBucketPolicy':
        if (bucket.policy === undefined) throw refusal('NoSuchBucketPolicy', 404);
        return { Policy: bucket.policy };
      case 'PutBucketPolicy':
        bucket.policy = String(input.Policy);
        return {};
      case 'DeleteBucketPolicy':
        bucket.policy = undefined;
        return {};
      case 'ListObjectVersions': {
        const from = Number(input.KeyMarker ?? 0);
        const to = from + Number(input.MaxKeys);
        const isTruncated = to < bucket.versions.length;
        return {
          Versions: bucket.versions.slice(from, to),
          IsTruncated: isTruncated,
          ...(isTruncated ? { NextKeyMarker: String(to) } : {}),
        };
      }
      case 'DeleteObjects': {
        const { Objects } = input.Delete as { Objects: readonly { Key: string; VersionId: string }[] };
        const asked = new Set(Objects.map(({ VersionId }) => VersionId));
        const locked = bucket.versions.filter(({ VersionId, isLocked }) => isLocked && asked.has(VersionId));
        bucket.versions = bucket.versions.filter((version) => version.isLocked || !asked.has(version.VersionId));
        return {
          Errors: locked.map(({ Key, VersionId }) => ({ Key, VersionId, Code: 'AccessDenied', Message: 'locked' })),
        };
      }
      case 'HeadObject': {
        const { lockedUntil } = bucket.versions.find(({ VersionId }) => VersionId === input.VersionId) ?? {};
        return lockedUntil === undefined
          ? {}
          : { ObjectLockMode: 'GOVERNANCE', ObjectLockRetainUntilDate: lockedUntil };
      }
      case 'ListMultipartUploads':
        return {};
      default:
        throw new Error(`the server in memory does not have ${operation}`);
    }
  };

  const wireFor = (region: string, credentials?: Credentials): Wire => {
    const send = async (command: object, context: CallContext): Promise<unknown> => {
      const operation = command.constructor.name.replace(/Command$/, '');
      const { input } = command as { input: Input };
      return context.call({ service: 's3', operation, write: !isRead(operation) }, async () => {
        const refused = credentials === undefined ? undefined : options.refusalOf?.(credentials);
        if (refused !== undefined) throw refusal(refused, 403);
        return answer(operation, input, region);
      });
    };
    const faultOf = (command: object, error: unknown): unknown =>
      faultFromError({ service: 's3', operation: command.constructor.name, endpoint: serverIdentity }, error);
    return {
      endpoint: serverIdentity,
      region,
      send: async (command, context) => {
        try {
          return (await send(command, context)) as never;
        } catch (error) {
          throw faultOf(command, error);
        }
      },
      sendOrAbsent: async (command, absentCodes, context) => {
        try {
          return (await send(command, context)) as never;
        } catch (error) {
          const told = answerOf(error);
          if (told !== undefined && absentCodes.some((code) => code === told.code || code === told.status)) {
            return undefined;
          }
          throw faultOf(command, error);
        }
      },
      lacks: (operation) => operation === 'GetBucketTagging' && hasRefusedTags,
      serverNow: now,
    };
  };

  const driver: Driver = {
    connection: {
      endpoint: serverIdentity,
      region: 'us-east-1',
      pathStyle: true,
      credentials: { accessKeyId: 'ADMIN', secretAccessKey: redact('admin-secret') },
      tls: { insecureSkipVerify: false },
      retry: { maxAttempts: 1, backoffStrategy: 'exponential' },
    },
    aspects: options.aspects ?? [bindAspect(tagging), bindAspect(versioning)],
    unsupported: new Map([['mfaDelete', 'The server in memory has no MFA delete.']]),
    keys: options.keys ?? 'The server in memory issues no keys.',
    get marksBuckets() {
      return !hasRefusedTags;
    },
    guardsContent: false,
    ...(options.refusesRecreation === undefined ? {} : { refusesRecreation: true }),
    ...(options.creationTags === undefined ? {} : { creationTags: createCreationTags(() => now().getTime()) }),
    serverIdentity,
    wire: (region = 'us-east-1') => wireFor(region),
    wireAs: (credentials) => wireFor('us-east-1', credentials),
    deniesUnknownKeys: () => Promise.resolve(false),
    checkHealth: (context) =>
      checkS3Health(driver, { probe: wireFor('us-east-1'), certificateExpiresAt: () => undefined }, context),
    probe: (context, bucket) => probeFeatures(driver, context, { bucket }),
    close: () => undefined,
  };
  return {
    buckets,
    driver,
    make,
    inputs: (operation) => asked.filter((call) => call.operation === operation).map(({ input }) => input),
    refuse: (operation, refused) => {
      if (refused === undefined) refusals.delete(operation);
      else refusals.set(operation, refused);
    },
  };
};
