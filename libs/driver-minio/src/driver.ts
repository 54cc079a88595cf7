import { randomBytes } from 'node:crypto';
import { reasons } from '@operator/api';
import { Fault, type CallContext } from '@operator/outcome';
import {
  bindAspect,
  checkS3Health,
  createUnknownKeyCheck,
  createWirePool,
  encryption,
  endpointIdentity,
  lifecycle,
  objectLock,
  notifications,
  publicAccessWithoutAcls,
  probeFeatures,
  readMisroutedPut,
  tagging,
  versioning,
  type Connection,
  type Driver,
  type DriverDeps,
  type Support,
  type UnsupportedFeatures,
} from '@operator/s3';
import { createAdminClient, type AdminClient } from './admin-client.ts';
import { getServerVersion, getUser } from './admin-api.ts';
import { serialKeyDerivation } from './derive-key.ts';
import { createKeyIssuer } from './key-issuer.ts';
import { ownCodes } from './own-codes.ts';
import { minioReplication } from './replication.ts';
import { quota } from './quota.ts';

export interface MinioOptions {
  /** Before the path of every admin call; `/minio/admin/v3` when absent. Servers that mimic the API have their own. */
  readonly adminPathPrefix?: string;
}

/** What MinIO refuses or silently ignores, tried on its last public commit. */
const unsupported: UnsupportedFeatures = new Map([
  ['mfaDelete', 'MinIO accepts MFA delete and ignores it.'],
  [
    'laterObjectLock',
    'MinIO gives object lock to new buckets only, and this bucket was made without it. Recreate the bucket, or leave objectLock out.',
  ],
  [
    'publicPolicyBlock',
    'MinIO has no public access block; what is public there follows from the bucket policy alone. The operator refuses a public BucketPolicy itself. Leave publicAccess out for that alone, or set blockPublicPolicy and restrictPublicBuckets to false to allow one.',
  ],
  ['bucketKey', 'MinIO has no bucket keys.'],
  [
    'lifecycleAbort',
    'MinIO does not keep abortIncompleteMultipartUpload in lifecycle rules: it removes stale uploads by itself, after 24 hours by default (MINIO_API_STALE_UPLOADS_EXPIRY). Remove it from the rules.',
  ],
  [
    'cors',
    'MinIO has no CORS rules for buckets, only one list of origins for the server (MINIO_API_CORS_ALLOW_ORIGIN).',
  ],
  [
    'ownershipControls',
    'MinIO has no ownership controls: all objects belong to the owner of the bucket, and ACLs have no effect.',
  ],
  ['requestPayment', 'MinIO has no other payer than the owner of the bucket.'],
  ['accelerate', 'MinIO has no transfer acceleration.'],
  [
    'logging',
    'MinIO writes no access logs into buckets; it sends audit logs to a webhook or to Kafka (MINIO_AUDIT_WEBHOOK_ENDPOINT).',
  ],
  ['website', 'MinIO serves no web pages: it has no index page, no error page and no redirects.'],
  ['cloudTrail', 'MinIO has no CloudTrail.'],
  [
    'lambdaNotifications',
    'MinIO delivers events to its own targets (arn:minio:sqs::ID:type, under notifications.sqs), not to Lambda.',
  ],
  [
    'snsNotifications',
    'MinIO delivers events to its own targets (arn:minio:sqs::ID:type, under notifications.sqs), not to SNS.',
  ],
  [
    'policyPrincipals',
    'MinIO asks a bucket policy about anonymous requests alone: it neither allows nor denies anything to a user.',
  ],
  ['policyNotAction', 'MinIO fails on notAction in a bucket policy: list the actions that are meant.'],
  ['policyNotPrincipal', 'MinIO has no notPrincipal in a bucket policy, nor does it tell users apart there.'],
  ['policyPrincipalKinds', 'MinIO knows no principals in a bucket policy but those under AWS, and drops all others.'],
  ['userTags', 'MinIO keeps no tags on users; the tags of the AccessKey have no effect there.'],
]);

// For the whole process: it is the process whose memory must hold.
const deriveKey = serialKeyDerivation();

/** An update of the server shows within this time; the call asks every node of its cluster. */
const versionFreshMs = 600_000;

/**
 * MinIO: its buckets by S3, its users and keys by the admin API, signed with the Provider's own credentials. Those need the
 * rights that docs/providers/minio.md lists.
 */
export const createMinioDriver = (connection: Connection, deps: DriverDeps, options: MinioOptions = {}): Driver => {
  const pool = createWirePool(connection, deps, { readError: readMisroutedPut, ownCodes });
  const admin = createAdminClient({
    connection,
    uplink: pool.uplink,
    deriveKey,
    randomBytes,
    pathPrefix: options.adminPathPrefix ?? '/minio/admin/v3',
  });
  const versionOf = rememberedVersion(admin, deps.elapsedMs);

  const driver: Driver = {
    connection,
    aspects: [
      bindAspect(tagging),
      bindAspect(versioning),
      bindAspect(objectLock),
      bindAspect(publicAccessWithoutAcls),
      bindAspect(encryption()),
      bindAspect(lifecycle()),
      bindAspect(minioReplication(admin)),
      bindAspect(notifications({ replaces: true })),
      bindAspect(quota(admin)),
    ],
    unsupported,
    keys: createKeyIssuer(admin, `minio+${endpointIdentity(admin.endpoint)}`, () => randomBytes(20).toString('hex')),
    marksBuckets: true,
    refusesRecreation: true,
    guardsContent: false,
    serverIdentity: endpointIdentity(connection.endpoint),
    wire: (region) => pool.wire(region),
    wireAs: (credentials) => pool.wireAs(credentials),
    deniesUnknownKeys: createUnknownKeyCheck((credentials) => pool.wireAs(credentials), deps.random),
    async checkHealth(context) {
      const health = await checkS3Health(driver, pool, context);
      const serverVersion = await versionOf(context);
      return serverVersion === undefined ? health : { ...health, serverVersion };
    },
    async probe(context, bucket) {
      const features = await probeFeatures(driver, context, { bucket, isCertain: true });
      return { ...features, accessKeys: await probeAdmin(admin, context) };
    },
    close: () => pool.close(),
  };
  return driver;
};

/** The server's version, asked for now and then; undefined where the credentials may not ask or a proxy keeps the admin API back. */
const rememberedVersion = (
  admin: AdminClient,
  elapsedMs: () => number,
): ((context: CallContext) => Promise<string | undefined>) => {
  let known: { readonly version: string | undefined; readonly untilMs: number } | undefined;
  return async (context) => {
    if (known !== undefined && elapsedMs() < known.untilMs) return known.version;
    try {
      known = { version: await getServerVersion(admin, context), untilMs: elapsedMs() + versionFreshMs };
      return known.version;
    } catch (error) {
      // The server's health is what S3 says; a key that is asked for tells what the admin API says.
      if (error instanceof Fault && !context.signal.aborted) return known?.version;
      throw error;
    }
  };
};

/** Whether keys can be issued, by one read about a user that nobody has. Without the right to read it stays unknown. */
const probeAdmin = async (admin: AdminClient, context: CallContext): Promise<Support> => {
  try {
    await getUser(admin, 's3op-none', context);
    return 'Supported';
  } catch (error) {
    if (!(error instanceof Fault) || error.kind === 'transient') throw error;
    return error.reason === reasons.Unsupported || error.reason === reasons.RequestRefused ? 'Unsupported' : 'Unknown';
  }
};
