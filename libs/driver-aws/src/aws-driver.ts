import {
  accelerate,
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
  replicationByRole,
  requestPayment,
  tagging,
  versioningWithMfa,
  website,
  type DriverFactory,
  type UnsupportedFeatures,
} from '@operator/s3';
import { createAccountLookUp } from './account.ts';
import { cloudTrail } from './cloud-trail/cloud-trail.ts';
import { createTrails } from './cloud-trail/trails.ts';
import { partitionDetails, partitionOfEndpoint, regionalEndpoint } from './partition.ts';

const unsupported: UnsupportedFeatures = new Map([['quota', 'Amazon S3 has no bucket quota.']]);

/** Amazon throttles what manages buckets and users far below the rates of objects, and for the account as a whole. */
const requestsPerSecond = 100;

/** As long as others wait for a new bucket. Source: Terraform's provider for AWS, bucketPropagationTimeout. */
const settlesInMs = 120_000;

/**
 * Amazon S3, with keys from IAM. A bucket of another region is reached at that region's own endpoint. An endpoint that is
 * not Amazon's is taken as it is: a server that speaks for AWS, whose IAM answers at the same address unless told otherwise.
 */
export const createAwsDriver: DriverFactory = (connection, deps) => {
  const amazon = partitionOfEndpoint(connection.endpoint);
  const isAmazon = amazon !== undefined;
  const partition = amazon ?? partitionDetails(connection.region);
  const endpointOf = (service: Parameters<typeof regionalEndpoint>[0]) => (region: string) =>
    isAmazon ? regionalEndpoint(service, partition, region) : connection.endpoint;
  const { credentials, region: home } = connection;
  const serverIdentity = isAmazon ? amazon.name : endpointIdentity(connection.endpoint);
  return createS3Driver(connection, deps, {
    aspects: ({ uplink }) => [
      bindAspect(tagging),
      bindAspect(versioningWithMfa({ needsRoot: isAmazon, isLate: isAmazon })),
      bindAspect(objectLock),
      bindAspect(publicAccess),
      bindAspect(encryption({ alwaysOn: isAmazon })),
      bindAspect(cors),
      bindAspect(lifecycle({ keepsAll: isAmazon })),
      bindAspect(ownershipControls()),
      bindAspect(requestPayment),
      bindAspect(notifications({ replaces: true })),
      bindAspect(accelerate),
      bindAspect(logging({ serverIdentity, keepsAll: isAmazon })),
      bindAspect(replicationByRole({ serverIdentity, keepsAll: isAmazon })),
      bindAspect(website),
      bindAspect(
        cloudTrail(createTrails(uplink, { credentials, endpointFor: endpointOf('cloudtrail'), isAmazon }, deps)),
      ),
    ],
    unsupported,
    isCertain: isAmazon,
    guardsContent: isAmazon,
    expectedOwner: (uplink) =>
      createAccountLookUp(uplink, { credentials, endpoint: endpointOf('sts')(home), region: home }, deps),
    ...(isAmazon ? { settlesInMs } : {}),
    // Servers that speak for AWS drop them, or refuse them and make nothing.
    tagsAtCreation: true,
    ...(isAmazon ? { requestsPerSecond } : {}),
    serverIdentity,
    endpointFor: (region) =>
      isAmazon && region !== connection.region ? `https://s3.${region}.${partition.domain}` : connection.endpoint,
    keys: ({ uplink }) =>
      createIamKeyIssuer(uplink, {
        endpoint: connection.iamEndpoint ?? (isAmazon ? partition.iamEndpoint : connection.endpoint),
        region: connection.iamRegion ?? partition.iamRegion,
        credentials: connection.credentials,
        userTags: true,
        managedPolicies: true,
        allActions: true,
        permissionsBoundaryArn: connection.permissionsBoundaryArn,
      }),
  });
};
