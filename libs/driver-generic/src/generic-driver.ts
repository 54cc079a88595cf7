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
  ofSoftware,
  ownershipControls,
  notifications,
  publicAccess,
  readMisroutedPut,
  requestPayment,
  tagging,
  versioningWithMfa,
  website,
  type DriverFactory,
  type UnsupportedFeatures,
} from '@operator/s3';
import { rgwQuota } from './rgw-quota.ts';

const unsupported: UnsupportedFeatures = new Map([
  ['accelerate', 'Transfer acceleration is a service of AWS.'],
  ['replication', 'The operator manages replication on MinIO (type: minio) and Amazon S3 only.'],
  ['cloudTrail', 'CloudTrail is a service of AWS.'],
  [
    'userTags',
    'Of the IAM services that are not that of AWS some keep no tags on users, so the tags of the AccessKey have no effect there.',
  ],
]);

const withoutAdminApi: UnsupportedFeatures = new Map([
  ...unsupported,
  [
    'quota',
    'The S3 API has no bucket quota. On Ceph RGW set spec.adminEndpoint of the Provider to the address of its admin operations.',
  ],
]);

/** What Ceph RGW takes in a bucket policy and does not do as Amazon does. Tried: 20.2; the rows stand in policies.ceph.root.spec.ts. */
const policiesOnCeph: UnsupportedFeatures = new Map([
  [
    'policyNotAction',
    'Ceph RGW ignores notAction in a bucket policy: the statement would neither allow nor deny anything. List the actions that are meant.',
  ],
  [
    'policyNotPrincipal',
    'Ceph RGW ignores notPrincipal in a bucket policy: nobody would be denied anything. Name in principal who is meant.',
  ],
  [
    'policyAbsentKeys',
    'Ceph RGW takes a condition with a negated operator for not met where the request does not have its key, so that such a denial does not hold there. ' +
      'Add IfExists to the operator, as in StringNotEqualsIfExists: at Amazon it means the same in a denial.',
  ],
  [
    'policySecureTransport',
    'To Ceph RGW a request without TLS has no aws:SecureTransport, so that a condition that it is false is not met. Write BoolIfExists, or let the endpoint speak TLS alone.',
  ],
  [
    'policyAccountPrincipal',
    'Ceph RGW lets every user of an account do what a bucket policy allows the account, also users without rights of their own. Name the users in principal.',
  ],
]);

/** Elements that versitygw leaves out when it reads a bucket policy; the rest it keeps and answers 200. Tried: 1.8.0. */
const policiesOnVersitygw: UnsupportedFeatures = new Map([
  [
    'policyNotAction',
    'versitygw drops notAction from a bucket policy: the statement would neither allow nor deny anything. List the actions that are meant.',
  ],
  [
    'policyNotPrincipal',
    'versitygw drops notPrincipal from a bucket policy: the statement would be about nobody. Name in principal who is meant.',
  ],
]);

/** By what the `Server` header of an answer begins with. */
const policiesOn: ReadonlyMap<string, UnsupportedFeatures> = new Map([
  ['Ceph Object Gateway', policiesOnCeph],
  ['VERSITYGW', policiesOnVersitygw],
]);

/** Any S3 server. What it can do is found by reads; keys come from an IAM service where one is set. */
export const createGenericDriver: DriverFactory = (connection, deps) => {
  const always = connection.adminEndpoint === undefined ? withoutAdminApi : unsupported;
  const bySoftware = new Map([...policiesOn].map(([name, policies]) => [name, new Map([...always, ...policies])]));
  const serverIdentity = endpointIdentity(connection.endpoint);
  return createS3Driver(connection, deps, {
    aspects: ({ uplink, software }) => [
      bindAspect(tagging),
      bindAspect(versioningWithMfa()),
      bindAspect(objectLock),
      bindAspect(publicAccess),
      bindAspect(encryption()),
      bindAspect(cors),
      bindAspect(lifecycle()),
      bindAspect(ownershipControls(software)),
      bindAspect(requestPayment),
      bindAspect(logging({ serverIdentity, keepsAll: false })),
      bindAspect(website),
      bindAspect(notifications({ replaces: false })),
      ...(connection.adminEndpoint === undefined
        ? []
        : [bindAspect(rgwQuota(connection.adminEndpoint, connection, uplink))]),
    ],
    unsupported: (software = '') => ofSoftware(bySoftware, software) ?? always,
    isCertain: false,
    serverIdentity,
    readError: readMisroutedPut,
    keys: ({ uplink }) =>
      connection.iamEndpoint === undefined
        ? 'A Provider of type custom issues access keys over the AWS IAM protocol only: set spec.iamEndpoint to the address of its IAM service.'
        : createIamKeyIssuer(uplink, {
            endpoint: connection.iamEndpoint,
            region: connection.iamRegion ?? connection.region,
            credentials: connection.credentials,
            userTags: false,
            managedPolicies: false,
            allActions: false,
            permissionsBoundaryArn: connection.permissionsBoundaryArn,
          }),
  });
};
