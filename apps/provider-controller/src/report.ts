import type { ProviderStatus } from '@operator/api';
import { conditionTypes, eventReasons, reasons } from '@operator/api';
import type { Claim, Fault } from '@operator/outcome';
import type { Health } from '@operator/s3';
import type { GrantedFacts } from './granted.ts';
import type { OrphanFacts } from './orphans.ts';
import type { RetainedFacts } from './retained.ts';
import type { Place } from './server-change.ts';

const credentialReasons: ReadonlySet<string> = new Set([
  reasons.AuthFailed,
  reasons.SecretNotFound,
  reasons.SecretKeyMissing,
  reasons.SecretValueInvalid,
]);

const unreachableReasons: ReadonlySet<string> = new Set([
  reasons.EndpointUnreachable,
  reasons.TlsFailed,
  reasons.NotAnS3Server,
  reasons.ResponseTooLarge,
  reasons.DestinationRefused,
  reasons.WrongRegion,
  reasons.ClockSkew,
  reasons.Timeout,
  reasons.Throttled,
  reasons.ServerError,
]);

const claim = (type: string, status: Claim['status'], reason: string, message: string): Claim => ({
  type,
  status,
  reason,
  message,
});

/** What a good answer says. `listDenied`: the credentials are valid but may not list buckets. */
export const healthyClaims = (listDenied: boolean): readonly Claim[] => [
  claim(conditionTypes.EndpointReachable, 'True', reasons.EndpointAnswered, 'The endpoint answers.'),
  claim(
    conditionTypes.AuthValid,
    'True',
    reasons.CredentialsAccepted,
    listDenied ? 'The credentials are valid; they may not list buckets.' : 'The credentials are valid.',
  ),
];

/**
 * The conditions that a failed check stands for: a refusal of the credentials proves that the endpoint answers, an endpoint
 * that does not answer leaves the credentials unknown. `AuthFailed` and `EndpointUnreachable` say the same as an abnormal
 * condition, which is there only while the fault lasts.
 */
export const claimsOfProviderFault = (fault: Fault): readonly Claim[] => {
  const { reason, message } = fault;
  if (credentialReasons.has(reason)) {
    const answered = reason === reasons.AuthFailed;
    return [
      claim(conditionTypes.AuthValid, 'False', reason, message),
      ...(answered
        ? [claim(conditionTypes.EndpointReachable, 'True', reasons.EndpointAnswered, 'The endpoint answers.')]
        : []),
      claim(conditionTypes.AuthFailed, 'True', reason, message),
    ];
  }
  if (unreachableReasons.has(reason)) {
    return [
      claim(conditionTypes.EndpointReachable, 'False', reason, message),
      claim(conditionTypes.EndpointUnreachable, 'True', reason, message),
      claim(conditionTypes.AuthValid, 'Unknown', reason, 'The endpoint could not be asked.'),
    ];
  }
  return [];
};

/** The Event for a check that failed; undefined for other causes, such as who still uses a Provider that is to go. */
export const validateFailed = (reason: string): string | undefined =>
  credentialReasons.has(reason) || unreachableReasons.has(reason) ? eventReasons.ValidateFailed : undefined;

/** What one good check of a Provider found out. */
export interface ProviderFacts {
  readonly place: Pick<Place, 'serverIdentity' | 'keyService' | 'credentialsVersion'>;
  readonly accountId: string | undefined;
  readonly health: Pick<Health, 'serverVersion'>;
  readonly capabilities: ProviderStatus['capabilities'];
  readonly orphans: OrphanFacts;
  readonly retained: RetainedFacts;
  readonly inUseBy: NonNullable<ProviderStatus['inUseBy']>;
  readonly granted: GrantedFacts;
  readonly revocation: ProviderStatus['revocation'];
}

/**
 * The status after a good check, without its proof. `lastConnectTime` moves only when the connection is established anew: after
 * an outage, or with other credentials.
 */
export const reportProvider = (former: ProviderStatus | undefined, facts: ProviderFacts, now: Date): ProviderStatus => {
  const { place, accountId, health, capabilities, orphans, retained, inUseBy, granted, revocation } = facts;
  const isSame = former?.connected === true && former.credentialsVersion === place.credentialsVersion;
  return {
    connected: true,
    lastConnectTime: (isSame ? former.lastConnectTime : undefined) ?? now.toISOString(),
    ...(accountId === undefined ? {} : { accountId }),
    endpoint: place.serverIdentity,
    ...(place.keyService === undefined ? {} : { keyService: place.keyService }),
    ...(capabilities === undefined ? {} : { capabilities }),
    ...(health.serverVersion === undefined ? {} : { serverVersion: health.serverVersion }),
    credentialsVersion: place.credentialsVersion,
    inUseBy,
    ...granted,
    ...(revocation === undefined ? {} : { revocation }),
    ...orphans,
    ...retained,
  };
};

/**
 * What the server can do, as told now and before: a read that failed for another cause does not make a feature unknown again.
 * `former`: of the same spec and server.
 */
export const mergeCapabilities = (
  former: ProviderStatus['capabilities'],
  probed: NonNullable<ProviderStatus['capabilities']>,
): NonNullable<ProviderStatus['capabilities']> =>
  Object.fromEntries(
    Object.entries(probed).map(([feature, support]) => [
      feature,
      support === 'Unknown' ? (former?.[feature] ?? support) : support,
    ]),
  );
