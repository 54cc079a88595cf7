import { ListBucketsCommand, type Bucket } from '@aws-sdk/client-s3';
import type { CallContext } from '@operator/outcome';
import { requireListOfBuckets } from './health.ts';
import type { Wire } from './wire.ts';

/** A page of the list of all buckets. */
export interface BucketPage {
  readonly buckets: readonly Bucket[];
  /** False where the server has more; the last page that comes may say so too. */
  readonly isLast: boolean;
}

/**
 * The list of all buckets of these credentials' account, one call for each page, at most `mostPages`. `prefix`: servers without paging ignore it
 * and list all. A server that does not understand its own token repeats a page: that one comes twice, and then no more.
 * @throws Fault of the connection and the credentials; AccessDenied; `waiting` NotAnS3Server
 * Source: Amazon S3 API, ListBuckets.
 */
export async function* bucketPages(
  wire: Wire,
  { prefix, mostPages }: { readonly prefix?: string; readonly mostPages: number },
  context: CallContext,
): AsyncGenerator<BucketPage, void> {
  const tokens = new Set<string>();
  let token: string | undefined;
  for (let pages = 0; pages < mostPages; pages += 1) {
    const page = await wire.send(new ListBucketsCommand({ Prefix: prefix, ContinuationToken: token }), context);
    requireListOfBuckets(page, wire.endpoint);
    token = page.ContinuationToken === '' ? undefined : page.ContinuationToken;
    yield { buckets: page.Buckets ?? [], isLast: token === undefined };
    if (token === undefined || tokens.has(token)) return;
    tokens.add(token);
  }
}
