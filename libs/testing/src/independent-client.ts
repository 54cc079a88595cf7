import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';

interface Place {
  readonly endpoint: string;
  readonly region: string;
  /** False: the bucket stands in the name of the host. Default true. */
  readonly pathStyle?: boolean;
  /** Certificates, PEM, that are trusted in place of the usual roots. */
  readonly ca?: string;
}

interface SignedPlace extends Place {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken?: string;
}

const placeOf = (at: Place) => ({
  endpoint: at.endpoint,
  region: at.region,
  forcePathStyle: at.pathStyle ?? true,
  // Ceph RGW sends more than it says where there is no public access block: the next answer on that connection could not be read.
  requestHandler: {
    httpAgent: new HttpAgent({ keepAlive: false, maxSockets: 50 }),
    httpsAgent: new HttpsAgent({ keepAlive: false, maxSockets: 50, ...(at.ca === undefined ? {} : { ca: at.ca }) }),
  },
});

/** A plain client of the SDK, with nothing of the operator's in it. Whoever makes it calls `destroy`. */
export const independentClient = (at: SignedPlace): S3Client =>
  new S3Client({
    ...placeOf(at),
    credentials: {
      accessKeyId: at.accessKey,
      secretAccessKey: at.secretKey,
      ...(at.sessionToken === undefined ? {} : { sessionToken: at.sessionToken }),
    },
  });

/** The same of somebody who does not sign in. */
export const anonymousClient = (at: Place): S3Client =>
  new S3Client({
    ...placeOf(at),
    // Else it looks for those of the environment, and fails where there are none.
    credentials: { accessKeyId: 'nobody', secretAccessKey: 'none' },
    signer: { sign: async (request) => request },
  });
