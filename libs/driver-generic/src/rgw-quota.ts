import { ListBucketsCommand } from '@aws-sdk/client-s3';
import type { CallContext } from '@operator/outcome';
import {
  createSignedApi,
  faultOfQuota,
  quotaRules,
  type Aspect,
  type BucketWire,
  type Connection,
  type QuotaWant,
  type SignedCall,
  type Uplink,
} from '@operator/s3';

/** A bucket's quota as Ceph RGW keeps it. A negative number: no limit. */
interface RgwQuota {
  readonly isEnabled: boolean;
  readonly maxBytes: number;
  /** Not ours; it stays. */
  readonly maxObjects: number;
}

interface RgwUser {
  readonly uid: string;
  /** Before the name of a bucket that is asked about, where the user is of a tenant. */
  readonly bucketPrefix: string;
}

/** The bytes that count; 0: as many as there is room for. */
const bytesOf = ({ isEnabled, maxBytes }: RgwQuota): number => (isEnabled && maxBytes > 0 ? maxBytes : 0);

/**
 * How many bytes the bucket may hold, by the admin operations of Ceph RGW. The user of the credentials needs the capability
 * `buckets=*`. Source: Ceph documentation, Admin Operations, "Get Bucket Info" and "Set Bucket Quota".
 */
export const rgwQuota = (
  endpoint: string,
  connection: Pick<Connection, 'region' | 'credentials'>,
  uplink: Uplink,
): Aspect<QuotaWant, number> => {
  const api = createSignedApi({
    title: "Ceph RGW's admin operations",
    service: 'rgw-admin',
    endpoint,
    connection,
    uplink,
    pathPrefix: '/admin',
  });
  let user: RgwUser | undefined;

  /**
   * Another tenant may have a bucket of the same name. Which one a read means, its name says with the tenant before it; which one a write
   * means, its user says. Credentials are of one user, so the server is asked once.
   */
  const userOf = async ({ wire }: BucketWire, context: CallContext): Promise<RgwUser> => {
    if (user !== undefined) return user;
    const { Owner } = await wire.send(new ListBucketsCommand({ MaxBuckets: 1 }), context);
    const uid = Owner?.ID ?? '';
    const [tenant = '', name] = uid.split('$');
    user = { uid, bucketPrefix: name === undefined ? '' : `${tenant}/` };
    return user;
  };

  const read = async (s3: BucketWire, context: CallContext): Promise<RgwQuota> => {
    const { bucketPrefix } = await userOf(s3, context);
    const query = { bucket: bucketPrefix + s3.bucket };
    const call: SignedCall = { operation: 'GetBucketInfo', method: 'GET', path: '/bucket', query };
    const answer = await api.send(call, undefined, ['NoSuchBucket'], context);
    if (!Buffer.isBuffer(answer)) throw api.unreadable(call, `it has no bucket ${s3.bucket}. ${isItRight}`);
    const info = api.parse(call, answer);
    // Another server may take the call for one about an object named bucket in a bucket named admin.
    const { enabled, max_size: maxBytes, max_objects: maxObjects } = fieldsOf(fieldsOf(info).bucket_quota);
    if (typeof enabled !== 'boolean' || typeof maxBytes !== 'number' || typeof maxObjects !== 'number') {
      throw api.unreadable(call, `there is no bucket_quota in it. ${isItRight}`);
    }
    return { isEnabled: enabled, maxBytes, maxObjects };
  };

  return {
    ...quotaRules,
    read: async (s3, context) => bytesOf(await read(s3, context)),
    async write(s3, want, context) {
      const { bytes } = want;
      const { uid } = await userOf(s3, context);
      const found = await read(s3, context);
      // One that was set since the look counts too.
      const fault = faultOfQuota(want, bytesOf(found));
      if (fault !== undefined) throw fault;
      // A limit of objects that somebody has set stays in force, and one that is not in force stays so.
      const limitsObjects = found.isEnabled && found.maxObjects >= 0;
      const query = {
        quota: '',
        uid,
        bucket: s3.bucket,
        enabled: String(bytes > 0 || limitsObjects),
        'max-size': String(bytes > 0 ? bytes : -1),
        'max-objects': String(limitsObjects ? found.maxObjects : -1),
      };
      await api.send({ operation: 'SetBucketQuota', method: 'PUT', path: '/bucket', query }, undefined, [], context);
    },
  };
};

const isItRight = "Is the Provider's spec.adminEndpoint right?";

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
