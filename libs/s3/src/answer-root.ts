import { AnsweredWithList } from './misrouted.ts';

/**
 * What the answer of 200 to each read, and to DeleteObjects, begins with: the root of its document, or the brace of one in JSON. To the client
 * an empty answer, or another document, says that nothing is there, or that no key was refused. A second name is that of a real server; lists
 * have none, since deletions rest on them.
 * Source: Amazon S3 API, response syntax of each.
 */
const rootsOfAnswer: ReadonlyMap<string, readonly string[]> = new Map([
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
  ['DeleteObjects', ['DeleteResult']],
  ['ListBuckets', ['ListAllMyBucketsResult']],
  ['ListMultipartUploads', ['ListMultipartUploadsResult']],
  ['ListObjectVersions', ['ListVersionsResult']],
  ['ListObjectsV2', ['ListBucketResult']],
]);

/** What may stand before a root: how it begins, and how it ends. */
const asides = [
  ['<?', '?>'],
  ['<!--', '-->'],
] as const;

/** No root has a longer name. */
const longestName = 256;

const isSpace = (byte: number | undefined): boolean => byte === 0x20 || (byte !== undefined && byte >= 9 && byte <= 13);

/** Where the root is: past white space, with which Amazon S3 keeps a connection open for as long as it works, declarations and comments. */
const startOf = (body: Buffer): number => {
  let at = 0;
  for (;;) {
    while (isSpace(body[at])) at += 1;
    const aside = asides.find(([opening]) => body.toString('latin1', at, at + opening.length) === opening);
    if (aside === undefined) return at;
    const [opening, closing] = aside;
    const end = body.indexOf(closing, at + opening.length);
    if (end < 0) return body.length;
    at = end + closing.length;
  }
};

/** The root element of a body, `html` also where only the type of the document says so, or `{`; undefined for another one. */
export const rootOf = (body: Buffer): string | undefined => {
  const start = startOf(body);
  return /^(?:<(?:!doctype\s+(?=html\b))?([^\s/>!?]+)[\s/>]|(\{))/i
    .exec(body.toString('latin1', start, start + longestName))
    ?.slice(1)
    .find(Boolean);
};

/** True for the root of a refusal, which may come with 200. Source: Amazon S3 API, CopyObject and CompleteMultipartUpload. */
export const isRefusal = (root: string | undefined): boolean => /^(?:\w+:)?Error(?:Response)?$/.test(root ?? '');

/** True for the root of a web page. */
export const isPage = (root: string | undefined): boolean => root?.toLowerCase() === 'html';

/** True for the root of the list of a bucket. */
export const isListOfBucket = (root: string | undefined): boolean =>
  root === 'ListBucketResult' || root === 'ListVersionsResult';

/**
 * Checks that an answer of 200 is one to that operation. `root`: as `rootOf` finds it.
 * @throws AnsweredWithList when it lists the bucket in place of what was asked for; SyntaxError when it is another document, or none
 */
export const requireRootOf = (operation: string, root: string | undefined): void => {
  const expected = rootsOfAnswer.get(operation);
  if (expected === undefined || (root !== undefined && expected.includes(root))) return;
  throw isListOfBucket(root) ? new AnsweredWithList() : new SyntaxError('The answer is not one to this operation.');
};
