import { type FakeAnswer, type FakeRequest, refuse, refuseIam, succeed } from './fake-s3.ts';

/** A server of buckets without objects that keeps every setting as the document that was put, and gives it back as it came. */
export interface SettingsServer {
  respond(request: FakeRequest): FakeAnswer;
  /** What a bucket has, by sub-resource; undefined when there is no such bucket. */
  settings(bucket: string): ReadonlyMap<string, string> | undefined;
}

/** What a GET of a setting that nobody has put is answered with: a code, or a document. Source: Amazon S3 API, GetBucket…. */
const unset: Readonly<Record<string, string | { readonly document: string }>> = {
  accelerate: { document: '<AccelerateConfiguration/>' },
  cors: 'NoSuchCORSConfiguration',
  encryption: 'ServerSideEncryptionConfigurationNotFoundError',
  lifecycle: 'NoSuchLifecycleConfiguration',
  location: { document: '<LocationConstraint/>' },
  logging: { document: '<BucketLoggingStatus/>' },
  notification: { document: '<NotificationConfiguration/>' },
  'object-lock': 'ObjectLockConfigurationNotFoundError',
  ownershipControls: 'OwnershipControlsNotFoundError',
  policy: 'NoSuchBucketPolicy',
  publicAccessBlock: 'NoSuchPublicAccessBlockConfiguration',
  replication: 'ReplicationConfigurationNotFoundError',
  requestPayment: { document: '<RequestPaymentConfiguration><Payer>BucketOwner</Payer></RequestPaymentConfiguration>' },
  tagging: 'NoSuchTagSet',
  versioning: { document: '<VersioningConfiguration/>' },
  website: 'NoSuchWebsiteConfiguration',
};

const account = '<Owner><ID>account-1</ID></Owner>';

/** The admin operations of Ceph RGW for the quota of a bucket, whose numbers come in the query and go in JSON. */
const respondAsRgw = ({ method, query }: FakeRequest, settings: Map<string, string> | undefined): FakeAnswer => {
  if (settings === undefined) return refuse(404, 'NoSuchBucket');
  if (method === 'PUT') {
    const [enabled, size, objects] = ['enabled', 'max-size', 'max-objects'].map((name) => query.get(name) ?? '');
    settings.set('quota', `{"enabled":${enabled},"max_size":${size},"max_objects":${objects}}`);
    return succeed();
  }
  const quota = settings.get('quota') ?? '{"enabled":false,"max_size":-1,"max_objects":-1}';
  return succeed(`{"bucket_quota":${quota}}`, { 'content-type': 'application/json' });
};

/** Answers the calls about buckets and their settings, for `FakeS3`: in path style, and without a look at signatures. */
export const createSettingsServer = (): SettingsServer => {
  const buckets = new Map<string, Map<string, string>>();

  const respondOfBucket = ({ method, body }: FakeRequest, name: string): FakeAnswer => {
    const isThere = buckets.has(name);
    if (method === 'PUT') {
      if (isThere) return refuse(409, 'BucketAlreadyOwnedByYou');
      const tags = /<Tags>(.*)<\/Tags>/s.exec(body)?.[1];
      buckets.set(
        name,
        new Map(tags === undefined ? [] : [['tagging', `<Tagging><TagSet>${tags}</TagSet></Tagging>`]]),
      );
      return succeed('', { location: `/${name}` });
    }
    if (!isThere) return refuse(404, 'NoSuchBucket');
    if (method === 'DELETE') buckets.delete(name);
    return method === 'GET' ? succeed('<ListBucketResult/>') : succeed();
  };

  const respondOfSetting = ({ method, body }: FakeRequest, settings: Map<string, string>, name: string): FakeAnswer => {
    const absence = unset[name];
    if (absence === undefined) return refuse(501, 'NotImplemented');
    if (method === 'PUT') settings.set(name, body);
    if (method === 'DELETE') settings.delete(name);
    if (method !== 'GET') return succeed();
    const document = settings.get(name);
    if (document !== undefined) return succeed(document);
    return typeof absence === 'string' ? refuse(404, absence) : succeed(absence.document);
  };

  return {
    settings: (bucket) => buckets.get(bucket),
    respond(request) {
      const { method, path, query } = request;
      if (path.startsWith('/admin/')) return respondAsRgw(request, buckets.get(query.get('bucket') ?? ''));
      const name = path.split('/')[1] ?? '';
      if (name === '' && method === 'POST') return refuseIam(400, 'InvalidAction');
      if (name === '') {
        const list = [...buckets.keys()].map((bucket) => `<Bucket><Name>${bucket}</Name></Bucket>`).join('');
        return succeed(`<ListAllMyBucketsResult>${account}<Buckets>${list}</Buckets></ListAllMyBucketsResult>`);
      }
      const setting = [...query.keys()].find((key) => key in unset) ?? [...query.keys()][0];
      if (setting === undefined) return respondOfBucket(request, name);
      const settings = buckets.get(name);
      return settings === undefined ? refuse(404, 'NoSuchBucket') : respondOfSetting(request, settings, setting);
    },
  };
};
