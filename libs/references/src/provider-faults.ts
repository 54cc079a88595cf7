import { conditionTypes, reasons } from '@operator/api';
import { Fault, reworded, type Claim } from '@operator/outcome';

/** Reasons that speak of the Provider, whichever object's pass met them. ReferenceNotGranted may be a Bucket's too. */
const providerReasons: ReadonlySet<string> = new Set([
  reasons.ProviderNotFound,
  reasons.ProviderNotReady,
  reasons.SecretNotFound,
  reasons.SecretKeyMissing,
  reasons.SecretValueInvalid,
  reasons.AuthFailed,
  reasons.ClockSkew,
  reasons.EndpointUnreachable,
  reasons.TlsFailed,
  reasons.NotAnS3Server,
  reasons.ResponseTooLarge,
  reasons.DestinationRefused,
]);

/** True when the Provider, or the server behind it, is what fails. */
export const isProviderFault = ({ reason }: Fault): boolean => providerReasons.has(reason);

/** True when there is no Provider. */
export const isProviderGone = ({ reason }: Fault): boolean => reason === reasons.ProviderNotFound;

/**
 * Rethrows why a Provider may not be referred to, and says what stays meanwhile, such as "bucket photos stays as it is."; undefined: nothing
 * does. For `promise.catch`.
 */
export const tellKept =
  (kept: string | undefined) =>
  (caught: unknown): never => {
    if (kept === undefined || !(caught instanceof Fault) || caught.reason !== reasons.ReferenceNotGranted) throw caught;
    throw reworded(caught, `${caught.message} Meanwhile ${kept}`);
  };

/** What an object that is referred to says of itself, too. */
const dependencies: ReadonlySet<string> = new Set([reasons.BucketNotReady, reasons.AccessKeyNotReady]);

/**
 * True when the object that is referred to tells it itself: of an outage there is one Event then, on the Provider, and not one
 * for each object; and objects that come together wait for each other without a Warning.
 */
export const isToldElsewhere = (fault: Fault): boolean =>
  dependencies.has(fault.reason) || (isProviderFault(fault) && !isProviderGone(fault));

const awaited: ReadonlySet<string> = new Set([
  reasons.ProviderNotFound,
  reasons.BucketNotFound,
  reasons.AccessKeyNotFound,
  // Of another namespace, which is not even told to be absent.
  reasons.ReferenceNotGranted,
  reasons.SecretNotFound,
]);

/** True when what is missing may have been applied together with the object, in an order that is nobody's to choose. */
export const mayYetCome = ({ reason }: Fault): boolean => awaited.has(reason);

/** The claim of a Provider that cannot be used, for whatever reason. */
export const providerNotReady = ({ reason, message }: Fault): Claim => ({
  type: conditionTypes.ProviderNotReady,
  status: 'True',
  reason,
  message,
});
