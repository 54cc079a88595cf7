import { group, ownerTagKeys } from './resources.ts';
import { rules, stringMap } from './schema.ts';

// Servers take 50 tags; the operator needs its own.
const mostTags = 50;
/** Tags that a bucket may have: all but its owner tags. */
export const mostBucketTags = mostTags - Object.keys(ownerTagKeys).length;
/** Tags that a user may have: its owner tags are neither cluster nor proof, and one more lists the keys of its own tags. */
export const mostUserTags = mostTags - 4;

/** Tags of a bucket or a user. Source: Amazon S3 API, PutBucketTagging; IAM API, TagUser. */
export const tags = (description: string, most: number) =>
  stringMap(
    description,
    most,
    256,
    rules(
      {
        rule: 'self.all(key, key.size() >= 1 && key.size() <= 128)',
        message: 'a tag key has 1 to 128 characters',
      },
      {
        rule: "self.all(key, !key.startsWith('aws:'))",
        message: "tag keys that begin with 'aws:' are reserved",
      },
      {
        rule: `self.all(key, !key.startsWith('${group}/'))`,
        message: `tag keys that begin with '${group}/' are the operator's own`,
      },
    ),
  );
