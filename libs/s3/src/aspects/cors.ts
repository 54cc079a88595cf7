import { createHash } from 'node:crypto';
import { DeleteBucketCorsCommand, GetBucketCorsCommand, PutBucketCorsCommand, type CORSRule } from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import type { CallContext } from '@operator/outcome';
import type { Aspect, BucketWire } from '../aspect.ts';

/** A rule in its normal form: each list sorted, headers in small letters, for both mean the same in any order and case. */
export interface CorsRule {
  /** As the server has it; derived from the content where a rule of the spec has none. */
  readonly id?: string;
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAgeSeconds?: number;
}

export interface CorsWant {
  /** In the order in which they are tried: the first that matches counts. */
  readonly rules: readonly CorsRule[];
  readonly keepsOthers: boolean;
  /** Ids of rules that an earlier spec had set, and this one may have no longer. */
  readonly former: readonly string[];
}

const sorted = (list: readonly string[] | undefined): readonly string[] => [...new Set(list)].sort();
const small = (list: readonly string[] | undefined): readonly string[] =>
  sorted(list?.map((header) => header.toLowerCase()));

/** What a rule allows, in one word. Some servers drop the id of a rule: then it is known by this. */
const digestOf = ({ origins, methods, headers, exposed, maxAgeSeconds }: CorsRule): string => {
  // Some servers answer 0 where no age was given.
  const content = JSON.stringify([origins, methods, headers, exposed, maxAgeSeconds ?? 0]);
  return `s3op-${createHash('sha256').update(content).digest('hex').slice(0, 32)}`;
};

/** By these ids the rule may be known: its own, and that of its content. */
const idsOf = (rule: CorsRule): readonly string[] => [
  ...new Set([...(rule.id === undefined ? [] : [rule.id]), digestOf(rule)]),
];

/** True when the server has the wanted rule. An id that it dropped is not missed. */
const isSameRule = (want: CorsRule, have: CorsRule): boolean =>
  digestOf(want) === digestOf(have) && (have.id === undefined || have.id === want.id);

const fromSpec = (rule: NonNullable<BucketSpec['cors']>['rules'][number]): CorsRule => {
  const content = {
    origins: sorted(rule.allowedOrigins),
    methods: sorted(rule.allowedMethods),
    headers: small(rule.allowedHeaders),
    exposed: small(rule.exposedHeaders),
    ...(rule.maxAgeSeconds === undefined ? {} : { maxAgeSeconds: rule.maxAgeSeconds }),
  };
  return { id: rule.id ?? digestOf(content), ...content };
};

const fromServer = (rule: CORSRule): CorsRule => ({
  ...(rule.ID === undefined || rule.ID === '' ? {} : { id: rule.ID }),
  origins: sorted(rule.AllowedOrigins),
  methods: sorted(rule.AllowedMethods),
  headers: small(rule.AllowedHeaders),
  exposed: small(rule.ExposeHeaders),
  ...(rule.MaxAgeSeconds === undefined ? {} : { maxAgeSeconds: rule.MaxAgeSeconds }),
});

const toServer = ({ id, origins, methods, headers, exposed, maxAgeSeconds }: CorsRule): CORSRule => ({
  ...(id === undefined ? {} : { ID: id }),
  AllowedOrigins: [...origins],
  AllowedMethods: [...methods],
  ...(headers.length === 0 ? {} : { AllowedHeaders: [...headers] }),
  ...(exposed.length === 0 ? {} : { ExposeHeaders: [...exposed] }),
  ...(maxAgeSeconds === undefined ? {} : { MaxAgeSeconds: maxAgeSeconds }),
});

/** True for a rule that is there and is ours: the wanted ones, and those of an earlier spec. */
const isOurs = (rule: CorsRule, { rules, former }: CorsWant): boolean => {
  const known = new Set([...former, ...rules.flatMap(idsOf)]);
  // A rule with another's id is another's, whatever it allows.
  return rule.id === undefined ? known.has(digestOf(rule)) : known.has(rule.id);
};

/**
 * All rules of a bucket that has `found` once the wish is fulfilled. Ours come first, for what is declared must count; those of others
 * stay behind them or go.
 */
export const mergeRules = (found: readonly CorsRule[], want: CorsWant): readonly CorsRule[] => [
  ...want.rules,
  ...(want.keepsOthers ? found.filter((rule) => !isOurs(rule, want)) : []),
];

const readRules = async ({ wire, bucket }: BucketWire, context: CallContext): Promise<readonly CorsRule[]> => {
  const answer = await wire.sendOrAbsent(
    new GetBucketCorsCommand({ Bucket: bucket }),
    ['NoSuchCORSConfiguration'],
    context,
  );
  return (answer?.CORSRules ?? []).map(fromServer);
};

/**
 * Which web pages of other origins may use the bucket. Rules of others are drift unless the spec keeps them.
 * Source: Amazon S3 API, GetBucketCors, PutBucketCors, which replaces all rules, and DeleteBucketCors.
 */
export const cors: Aspect<CorsWant, readonly CorsRule[]> = {
  name: 'cors',
  readsWith: 'GetBucketCors',
  desired: ({ cors: declared }, { managed }) =>
    declared && {
      rules: declared.rules.map(fromSpec),
      keepsOthers: declared.others === 'Keep',
      former: managed.cors ?? [],
    },
  owns: ({ rules }) => rules.flatMap(idsOf),
  holds: (have) => have.flatMap(idsOf),
  read: readRules,
  isSet: (have) => have.length > 0,
  diff(want, have) {
    // Where others may have rules, where theirs stand among ours is not worth a write.
    const mine = want.keepsOthers ? have.filter((rule) => isOurs(rule, want)) : have;
    const isThere =
      mine.length === want.rules.length &&
      want.rules.every((rule, at) => {
        const found = mine[at];
        return found !== undefined && isSameRule(rule, found);
      });
    return isThere ? undefined : want;
  },
  async write(s3, to, context) {
    const { wire, bucket } = s3;
    // What others have put there since the look must not be lost, and only what a GET has shown is deleted.
    const found = to.keepsOthers || to.rules.length === 0 ? await readRules(s3, context) : [];
    const rules = mergeRules(found, to);
    if (rules.length > 0) {
      const CORSConfiguration = { CORSRules: rules.map(toServer) };
      await wire.send(new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration }), context);
    } else if (found.length > 0) {
      await wire.send(new DeleteBucketCorsCommand({ Bucket: bucket }), context);
    }
  },
};
