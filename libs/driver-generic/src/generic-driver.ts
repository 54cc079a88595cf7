import {
  bindAspect,
  cors,
  createIamKeyIssuer,
  createS3Driver,
  encryption,
  endpointIdentity,
  lifecycle,
  objectLock,
  ownershipControls,
  notifications,
  publicAccess,
  readMisroutedPut,
  requestPayment,
  tagging,
  versioning,
  website,
  type DriverFactory,
  type UnsupportedFeatures,
} from '@operator/s3';
import { rgwQuota } from './rgw-quota.ts';

const unsupported: UnsupportedFeatures = new Map([
  [
    'mfaDelete',
    'Servers other than AWS answer that MFA delete is set and ignore it, so the operator does not ask for it.',
  ],
  ['accelerate', 'Transfer acceleration is a service of AWS.'],
  ['replication', 'The operator manages replication on MinIO (type: minio) and Amazon S3 only.'],
  ['cloudTrail', 'CloudTrail is a service of AWS.'],
  [
    'userTags',
    'IAM services other than that of AWS keep no tags on users; the tags of the AccessKey have no effect there.',
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

/** Any S3 server. What it can do is found by reads; keys come from an IAM service where one is set. */
export const createGenericDriver: DriverFactory = (connection, deps) => {
  const always = connection.adminEndpoint === undefined ? withoutAdminApi : unsupported;
  const onCeph: UnsupportedFeatures = new Map([...always, ...policiesOnCeph]);
  return createS3Driver(connection, deps, {
    aspects: ({ uplink }) => [
      bindAspect(tagging),
      bindAspect(versioning),
      bindAspect(objectLock),
      bindAspect(publicAccess),
      bindAspect(encryption()),
      bindAspect(cors),
      bindAspect(lifecycle()),
      bindAspect(ownershipControls()),
      bindAspect(requestPayment),
      bindAspect(website),
      bindAspect(notifications({ replaces: false })),
      ...(connection.adminEndpoint === undefined
        ? []
        : [bindAspect(rgwQuota(connection.adminEndpoint, connection, uplink))]),
    ],
    unsupported: (software) => (software?.startsWith('Ceph Object Gateway') === true ? onCeph : always),
    isCertain: false,
    serverIdentity: endpointIdentity(connection.endpoint),
    readError: readMisroutedPut,
    keys: ({ uplink }) =>
      connection.iamEndpoint === undefined
        ? 'A Provider of type custom issues access keys over the AWS IAM protocol only: set spec.iamEndpoint to the address of its IAM service.'
        : createIamKeyIssuer(uplink, {
            endpoint: connection.iamEndpoint,
            region: connection.iamRegion ?? connection.region,
            credentials: connection.credentials,
            userTags: false,
          }),
  });
};
