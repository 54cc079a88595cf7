import { Agent } from 'node:http';
import { S3Client } from '@aws-sdk/client-s3';

/** A plain client of the SDK, with nothing of the operator's in it. Whoever makes it calls `destroy`. */
export const independentClient = (at: {
  readonly endpoint: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
}): S3Client =>
  new S3Client({
    endpoint: at.endpoint,
    region: at.region,
    forcePathStyle: true,
    // Ceph RGW sends more than it says where there is no public access block: the next answer on that connection could not be read.
    requestHandler: { httpAgent: new Agent({ keepAlive: false, maxSockets: 50 }) },
    credentials: { accessKeyId: at.accessKey, secretAccessKey: at.secretKey },
  });
