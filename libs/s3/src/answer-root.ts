import { AnsweredWithList } from './misrouted.ts';

/**
 * What the answer of 200 to each read begins with: the root of its document, or the brace of one in JSON. To the client an empty answer, or
 * another document, says that nothing is there. A second name is that of a real server; lists have none, since deletions rest on them.
 * Source: Amazon S3 API, response syntax of each.
 */
const rootsOfRead: ReadonlyMap<string, readonly string[]> = new Map([
  // The names that end in Response are those of moto, for what is not set.
  ['GetBucketAccelerateConfiguration', ['AccelerateConfiguration', 'GetBucketAccelerateConfigurationResponse']],
  ['GetBucketCors', ['CORSConfiguration']],
  ['GetBucketEncryption', ['ServerSideEncryptionConfiguration']],
  ['GetBucketLifecycleConfiguration', ['LifecycleConfiguration']],
  // SeaweedFS: CreateBucketConfiguration.
  ['GetBucketLocation', ['LocationConstraint', 'CreateBucketConfiguration']],
  ['GetBucketLogging', ['BucketLoggingStatus']],
  ['GetBucketNotificationConfiguration', ['NotificationConfiguration', 'GetBucketNotificationResponse']],
  ['GetBucketOwnershipControls', ['OwnershipControls']],
  ['GetBucketPolicy', ['{']],
  ['GetBucketReplication', ['ReplicationConfiguration']],
  ['GetBucketRequestPayment', ['RequestPaymentConfiguration']],
  ['GetBucketTagging', ['Tagging']],
  ['GetBucketVersioning', ['VersioningConfiguration', 'GetBucketVersioningResponse']],
  ['GetBucketWebsite', ['WebsiteConfiguration']],
  ['GetObjectLockConfiguration', ['ObjectLockConfiguration']],
  ['GetPublicAccessBlock', ['PublicAccessBlockConfiguration']],
  ['ListBuckets', ['ListAllMyBucketsResult']],
  ['ListMultipartUploads', ['ListMultipartUploadsResult']],
  ['ListObjectVersions', ['ListVersionsResult']],
  ['ListObjectsV2', ['ListBucketResult']],
]);

const listsOfBucket: ReadonlySet<string | undefined> = new Set(['ListBucketResult', 'ListVersionsResult']);

/** In so many bytes an answer has said what it is, whatever comments it begins with. */
const headBytes = 4_096;

/** The root element of a body, or `{`; undefined for another one. */
export const rootOf = (body: Buffer): string | undefined =>
  /^(?:\s|<\?[^>]*>|<!--(?:(?!-->)[^])*-->)*(?:<([^\s/>!?]+)[\s/>]|(\{))/
    .exec(body.toString('latin1', 0, headBytes))
    ?.slice(1)
    .find(Boolean);

/**
 * Checks that an answer of 200 is one to that operation. `root`: as `rootOf` finds it.
 * @throws AnsweredWithList when it lists the bucket in place of what was asked for; SyntaxError when it is another document, or none
 */
export const requireRootOf = (operation: string, root: string | undefined): void => {
  const expected = rootsOfRead.get(operation);
  if (expected === undefined || (root !== undefined && expected.includes(root))) return;
  throw listsOfBucket.has(root) ? new AnsweredWithList() : new SyntaxError('The answer is not one to this operation.');
};
