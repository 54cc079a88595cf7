import {
  DeleteBucketWebsiteCommand,
  GetBucketWebsiteCommand,
  PutBucketWebsiteCommand,
  type RoutingRule,
  type WebsiteConfiguration,
} from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import type { CallContext } from '@operator/outcome';
import type { Aspect, BucketWire } from '../aspect.ts';

type Declared = NonNullable<BucketSpec['website']>;
type DeclaredRule = NonNullable<Declared['routingRules']>[number];

/** In its normal form: each field in its place, and no empty list. */
export type Website = 'off' | WebsiteConfiguration;

const normalRule = ({ Condition, Redirect }: RoutingRule): RoutingRule => ({
  Condition: Condition && {
    HttpErrorCodeReturnedEquals: Condition.HttpErrorCodeReturnedEquals,
    KeyPrefixEquals: Condition.KeyPrefixEquals,
  },
  Redirect: Redirect && {
    HostName: Redirect.HostName,
    HttpRedirectCode: Redirect.HttpRedirectCode,
    Protocol: Redirect.Protocol,
    ReplaceKeyPrefixWith: Redirect.ReplaceKeyPrefixWith,
    ReplaceKeyWith: Redirect.ReplaceKeyWith,
  },
});

const normal = (found: WebsiteConfiguration): Website => {
  const { IndexDocument: index, ErrorDocument: error, RoutingRules: rules = [], RedirectAllRequestsTo: all } = found;
  if (index === undefined && all === undefined) return 'off';
  return {
    IndexDocument: index && { Suffix: index.Suffix },
    ErrorDocument: error && { Key: error.Key },
    RoutingRules: rules.length === 0 ? undefined : rules.map(normalRule),
    RedirectAllRequestsTo: all && { HostName: all.HostName, Protocol: all.Protocol },
  };
};

/** As the API writes an HTTP status. */
const statusOf = (code: number | undefined): string | undefined => code?.toString();

const ruleFromSpec = ({ condition, redirect }: DeclaredRule): RoutingRule => ({
  Condition: condition && {
    HttpErrorCodeReturnedEquals: statusOf(condition.httpErrorCodeReturnedEquals),
    KeyPrefixEquals: condition.keyPrefixEquals,
  },
  Redirect: {
    HostName: redirect.hostName,
    HttpRedirectCode: statusOf(redirect.httpRedirectCode),
    Protocol: redirect.protocol,
    ReplaceKeyPrefixWith: redirect.replaceKeyPrefixWith,
    ReplaceKeyWith: redirect.replaceKeyWith,
  },
});

const fromSpec = ({ enabled, indexDocument, errorDocument, routingRules, redirectAllRequestsTo }: Declared): Website =>
  enabled
    ? normal({
        IndexDocument: indexDocument && { Suffix: indexDocument.suffix },
        ErrorDocument: errorDocument && { Key: errorDocument.key },
        RoutingRules: routingRules?.map(ruleFromSpec),
        RedirectAllRequestsTo: redirectAllRequestsTo && {
          HostName: redirectAllRequestsTo.hostName,
          Protocol: redirectAllRequestsTo.protocol,
        },
      })
    : 'off';

const readWebsite = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<Website> => {
  const command = new GetBucketWebsiteCommand({ Bucket: bucket });
  return normal((await wire.sendOrAbsent(command, ['NoSuchWebsiteConfiguration'], context)) ?? {});
};

/**
 * Static web pages, or a redirect of all requests.
 * Source: Amazon S3 API, GetBucketWebsite, PutBucketWebsite, which replaces all of it, and DeleteBucketWebsite.
 */
export const website: Aspect<Website> = {
  name: 'website',
  readsWith: 'GetBucketWebsite',
  desired: ({ website: declared }) => declared && fromSpec(declared),
  read: readWebsite,
  isSet: (have) => have !== 'off',
  // What is undefined is not there.
  diff: (want, have) => (JSON.stringify(want) === JSON.stringify(have) ? undefined : want),
  async write(s3, to, context) {
    const { wire, bucket } = s3;
    if (to !== 'off') {
      await wire.send(new PutBucketWebsiteCommand({ Bucket: bucket, WebsiteConfiguration: to }), context);
      return;
    }
    // Some servers take a sub-resource they do not know for the bucket itself and delete that: only what a GET has shown is deleted.
    if ((await readWebsite(s3, context)) === 'off') return;
    await wire.send(new DeleteBucketWebsiteCommand({ Bucket: bucket }), context);
  },
};
