import { rootCertificates } from 'node:tls';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { anonymousClient, independentClient } from '@operator/testing/independent-client';
import type { Pair } from '../harness/index.ts';
import { BadInput, type TheirServer } from './command.ts';

/** The server that is tried, and how its administrator signs in. */
export interface Target extends TheirServer, Pair {
  readonly sessionToken?: string;
  /** Name and version, where this project started it. */
  readonly known?: { readonly name: string; readonly version: string };
}

const placeOf = ({ endpoint, region, pathStyle, ca }: Target) => ({
  endpoint,
  region,
  pathStyle,
  ...(ca === undefined ? {} : { ca: [...rootCertificates, ca].join('\n') }),
});

/** A client that is not the operator's, as the administrator or with the key pair given. */
export const clientOf = (target: Target, pair: Pair & { readonly sessionToken?: string } = target): S3Client => {
  const { accessKey, secretKey, sessionToken } = pair;
  return independentClient({
    ...placeOf(target),
    accessKey,
    secretKey,
    ...(sessionToken === undefined ? {} : { sessionToken }),
  });
};

/** A client of somebody who does not sign in. */
export const anonymousOf = ({ target }: { readonly target: Target }): S3Client => anonymousClient(placeOf(target));

/**
 * The server with the credentials that the SDK of AWS finds: in the environment, else in a shared file.
 * @throws BadInput when there are none
 */
export const targetAt = async (place: TheirServer): Promise<Target> => {
  // Else it asks the metadata service of a cloud, for some seconds.
  process.env.AWS_EC2_METADATA_DISABLED ??= 'true';
  const finder = new S3Client({ region: place.region });
  try {
    const { accessKeyId, secretAccessKey, sessionToken } = await finder.config.credentials();
    return {
      ...place,
      accessKey: accessKeyId,
      secretKey: secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
    };
  } catch (error) {
    throw new BadInput(
      'There are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE for a file as the AWS CLI has it.',
      { cause: error },
    );
  } finally {
    finder.destroy();
  }
};

interface Answer {
  readonly name?: string;
  readonly message?: string;
  readonly code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

/** How a call of a plain client failed, in few words: `AccessDenied 403`. */
export const failureOf = (error: unknown): string => {
  const { name, code, message, $metadata } = error as Answer;
  const status = $metadata?.httpStatusCode;
  if (status === undefined) return code ?? message?.split('\n')[0] ?? String(error);
  return `${name === undefined || name === 'Unknown' ? 'no code' : name} ${String(status)}`;
};

/** Asks whether the server answers and lets these credentials in. @throws BadInput that says which of the two it does not */
export const reach = async (target: Target): Promise<void> => {
  const client = clientOf(target);
  try {
    await client.send(new ListBucketsCommand({}));
  } catch (error) {
    const isAnswer = (error as Answer).$metadata?.httpStatusCode !== undefined;
    throw new BadInput(
      isAnswer
        ? `${target.endpoint} refuses ListBuckets with these credentials: ${failureOf(error)}. The suite needs an administrator's.`
        : `${target.endpoint} does not answer: ${failureOf(error)}. Check the endpoint, and --ca-file where it speaks TLS.`,
      { cause: error },
    );
  } finally {
    client.destroy();
  }
};
