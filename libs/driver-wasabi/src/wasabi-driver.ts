import { reasons } from '@operator/api';
import { waiting } from '@operator/outcome';
import {
  bindAspect,
  cors,
  createIamKeyIssuer,
  createS3Driver,
  encryption,
  endpointIdentity,
  lifecycle,
  logging,
  objectLock,
  ownershipControls,
  notifications,
  publicAccess,
  readMisroutedPut,
  requestPayment,
  tagging,
  versioningWithMfa,
  website,
  type Connection,
  type DriverFactory,
  type UnsupportedFeatures,
} from '@operator/s3';
import { endpointOfRegion, isWasabiEndpoint, regionOfEndpoint } from './regions.ts';

const unsupported: UnsupportedFeatures = new Map([
  ['replication', 'Wasabi replicates by settings of its console, not by the S3 API.'],
  ['kmsEncryption', 'Wasabi documents no encryption with keys of a key service; use AES256.'],
  [
    'lifecycleTransitions',
    'Wasabi has one storage class, so there is nothing to move objects to. Remove the transitions.',
  ],
  ['lambdaNotifications', 'Wasabi sends notifications to SNS topics alone, under notifications.sns.'],
  ['sqsNotifications', 'Wasabi sends notifications to SNS topics alone, under notifications.sns.'],
  ['quota', 'Wasabi has no bucket quota.'],
  ['accelerate', 'Transfer acceleration is a service of AWS; Wasabi does not have it.'],
  ['cloudTrail', 'CloudTrail is a service of AWS; Wasabi does not have it.'],
  ['userTags', 'Wasabi keeps no tags on users; the tags of the AccessKey have no effect there.'],
]);

// Source: Wasabi, How does Wasabi's minimum storage duration policy work?
const deletionWarning =
  'Wasabi bills deleted objects until their minimum storage duration is over: 90 days, or 30 days with reserved capacity.';

/** @throws Fault `waiting` WrongRegion when the endpoint is that of another region */
const checkRegion = ({ endpoint, region }: Connection): void => {
  const regionThere = regionOfEndpoint(endpoint);
  if (regionThere === undefined || regionThere === region) return;
  throw waiting(
    reasons.WrongRegion,
    `The endpoint ${endpoint} has the buckets of the region ${regionThere}, but the Provider's region is ${region}. ` +
      `Set the region to ${regionThere}, or the endpoint to ${endpointOfRegion(region)}.`,
    { retryAfterMs: 300_000 },
  );
};

/** Wasabi, with keys from its IAM. Each region has its own endpoint. */
export const createWasabiDriver: DriverFactory = (connection, deps) => {
  const isWasabi = isWasabiEndpoint(connection.endpoint);
  const serverIdentity = isWasabi ? 'wasabi' : endpointIdentity(connection.endpoint);
  return createS3Driver(connection, deps, {
    aspects: () => [
      bindAspect(tagging),
      bindAspect(versioningWithMfa({ needsRoot: true })),
      bindAspect(objectLock),
      bindAspect(publicAccess),
      bindAspect(encryption()),
      bindAspect(cors),
      bindAspect(lifecycle()),
      bindAspect(ownershipControls()),
      bindAspect(requestPayment),
      bindAspect(logging({ serverIdentity, keepsAll: false })),
      bindAspect(website),
      bindAspect(notifications({ replaces: true })),
    ],
    unsupported,
    isCertain: false,
    requestsPerSecond: 100,
    deletionWarning,
    serverIdentity,
    endpointFor: (region) =>
      isWasabi && region !== connection.region ? endpointOfRegion(region) : connection.endpoint,
    readError: readMisroutedPut,
    checkSettings: () => checkRegion(connection),
    keys: ({ uplink }) =>
      createIamKeyIssuer(uplink, {
        endpoint: connection.iamEndpoint ?? 'https://iam.wasabisys.com',
        region: connection.iamRegion ?? 'us-east-1',
        credentials: connection.credentials,
        userTags: false,
        managedPolicies: false,
        allActions: false,
        permissionsBoundaryArn: connection.permissionsBoundaryArn,
      }),
  });
};
