import { isIP } from 'node:net';

/** What a request about a bucket is sent to. */
export interface BucketAddress {
  /** With its colon: `https:`. */
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
}

/** True for a bucket whose name can be part of a host's: the certificate for all names below one has no further dots. */
const canBeHost = (bucket: string, mayHaveDots: boolean): boolean =>
  bucket.length >= 3 &&
  bucket.length <= 63 &&
  isIP(bucket) === 0 &&
  bucket.split('.').every((label) => /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(label)) &&
  (mayHaveDots || !bucket.includes('.'));

/**
 * The bucket as part of the host name, or of the path where `pathStyle` asks for it or the name or the endpoint allows nothing else. What is
 * about no bucket goes to the endpoint itself.
 * Source: Amazon S3 User Guide, Virtual hosting of buckets.
 */
export const addressOf = (
  { protocol, hostname, port, pathname }: URL,
  bucket: string | undefined,
  pathStyle: boolean,
): BucketAddress => {
  const base = pathname.replace(/\/+$/, '');
  const isAddress = isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
  const isHost = bucket !== undefined && !pathStyle && !isAddress && canBeHost(bucket, protocol === 'http:');
  return {
    protocol,
    hostname: isHost ? `${bucket}.${hostname}` : hostname,
    ...(port === '' ? {} : { port: Number(port) }),
    path: bucket === undefined || isHost ? base || '/' : `${base}/${encodeURIComponent(bucket)}`,
  };
};
