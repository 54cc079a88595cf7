/** Every condition type of the four kinds. */
export const conditionTypes = {
  Ready: 'Ready',
  /** kstatus: work is under way. */
  Reconciling: 'Reconciling',
  /** kstatus: only a change by a person can help. */
  Stalled: 'Stalled',
  AuthValid: 'AuthValid',
  EndpointReachable: 'EndpointReachable',
  /** The counterparts of the former two, there only while they are False. */
  AuthFailed: 'AuthFailed',
  EndpointUnreachable: 'EndpointUnreachable',
  ProviderNotReady: 'ProviderNotReady',
  BucketNotReady: 'BucketNotReady',
  CreationFailed: 'CreationFailed',
  PolicyConflict: 'PolicyConflict',
  PolicyInvalid: 'PolicyInvalid',
  ApplyFailed: 'ApplyFailed',
  RotationFailed: 'RotationFailed',
  /** The server has the key, and does not let it in. */
  KeyRefused: 'KeyRefused',
  Unsupported: 'Unsupported',
  DriftLoop: 'DriftLoop',
  /** The annotation that pauses is there; what else is told was found before. Only informs. */
  Paused: 'Paused',
  /** Objects of a namespace still use what `allowedNamespaces` no longer grants it. */
  GrantWithdrawn: 'GrantWithdrawn',
} as const;

/** The condition types for which True is good. All others are abnormal while True and dropped when their fault is gone. */
export const positiveConditionTypes = [
  conditionTypes.Ready,
  conditionTypes.AuthValid,
  conditionTypes.EndpointReachable,
] as const;

/** Every reason of a condition or Fault, stable. docs/conditions.md tells each. */
export const reasons = {
  // What went well or is under way.
  Ready: 'Ready',
  Converging: 'Converging',
  Emptying: 'Emptying',
  Rotating: 'Rotating',
  Revoking: 'Revoking',
  Paused: 'Paused',
  CredentialsAccepted: 'CredentialsAccepted',
  EndpointAnswered: 'EndpointAnswered',
  // References and Secrets.
  ReferenceNotGranted: 'ReferenceNotGranted',
  ProviderNotFound: 'ProviderNotFound',
  ProviderNotReady: 'ProviderNotReady',
  BucketNotFound: 'BucketNotFound',
  BucketNotReady: 'BucketNotReady',
  AccessKeyNotFound: 'AccessKeyNotFound',
  AccessKeyNotReady: 'AccessKeyNotReady',
  SecretNotFound: 'SecretNotFound',
  SecretKeyMissing: 'SecretKeyMissing',
  SecretValueInvalid: 'SecretValueInvalid',
  SecretConflict: 'SecretConflict',
  TemplateInvalid: 'TemplateInvalid',
  TrailNotFound: 'TrailNotFound',
  InUse: 'InUse',
  ServerChanged: 'ServerChanged',
  GrantWithdrawn: 'GrantWithdrawn',
  // Ownership.
  AlreadyClaimed: 'AlreadyClaimed',
  NotOwned: 'NotOwned',
  OwnershipInDoubt: 'OwnershipInDoubt',
  NameTaken: 'NameTaken',
  BucketNotEmpty: 'BucketNotEmpty',
  BucketMissing: 'BucketMissing',
  RegionMismatch: 'RegionMismatch',
  // The wire.
  AuthFailed: 'AuthFailed',
  AccessDenied: 'AccessDenied',
  EndpointUnreachable: 'EndpointUnreachable',
  TlsFailed: 'TlsFailed',
  ClockSkew: 'ClockSkew',
  WrongRegion: 'WrongRegion',
  NotAnS3Server: 'NotAnS3Server',
  ResponseTooLarge: 'ResponseTooLarge',
  DestinationRefused: 'DestinationRefused',
  Throttled: 'Throttled',
  Timeout: 'Timeout',
  ServerError: 'ServerError',
  Conflict: 'Conflict',
  RequestRefused: 'RequestRefused',
  LimitExceeded: 'LimitExceeded',
  KeyLimitReached: 'KeyLimitReached',
  KeyNotUsableYet: 'KeyNotUsableYet',
  KeyRefused: 'KeyRefused',
  KeyDisabled: 'KeyDisabled',
  RotationWaiting: 'RotationWaiting',
  RolloutPending: 'RolloutPending',
  UserConflict: 'UserConflict',
  // The spec and the features.
  SpecInvalid: 'SpecInvalid',
  Unsupported: 'Unsupported',
  PolicyInvalid: 'PolicyInvalid',
  PolicyConflict: 'PolicyConflict',
  PublicPolicyBlocked: 'PublicPolicyBlocked',
  ObjectLocked: 'ObjectLocked',
  VersioningRequired: 'VersioningRequired',
  // The API server.
  Forbidden: 'Forbidden',
  KubernetesUnavailable: 'KubernetesUnavailable',
  KubernetesRefused: 'KubernetesRefused',
  // The runtime.
  ObjectChanged: 'ObjectChanged',
  LeadershipLost: 'LeadershipLost',
  DriftLoop: 'DriftLoop',
  InternalError: 'InternalError',
} as const;
export type Reason = (typeof reasons)[keyof typeof reasons];

/** Reasons of the Kubernetes Events that tell a transition. Failures use the reason of their Fault. */
export const eventReasons = {
  ValidateSucceeded: 'ValidateSucceeded',
  ValidateFailed: 'ValidateFailed',
  BucketCreated: 'BucketCreated',
  BucketAdopted: 'BucketAdopted',
  BucketUpdated: 'BucketUpdated',
  BucketDeleted: 'BucketDeleted',
  BucketRetained: 'BucketRetained',
  BucketAbandoned: 'BucketAbandoned',
  PolicyApplied: 'PolicyApplied',
  PolicyFailed: 'PolicyFailed',
  PolicyRemoved: 'PolicyRemoved',
  PolicyAbandoned: 'PolicyAbandoned',
  ProviderAbandoned: 'ProviderAbandoned',
  AccessKeyCreated: 'AccessKeyCreated',
  AccessKeyRotated: 'AccessKeyRotated',
  AccessKeyRevoked: 'AccessKeyRevoked',
  KeyRetired: 'KeyRetired',
  AccessKeyDeleted: 'AccessKeyDeleted',
  AccessKeyAbandoned: 'AccessKeyAbandoned',
  OrphanedUsers: 'OrphanedUsers',
  OrphanRemoved: 'OrphanRemoved',
  DriftRepaired: 'DriftRepaired',
  GivenUp: 'GivenUp',
  MinimumStorageDuration: 'MinimumStorageDuration',
  AnnotationInvalid: 'AnnotationInvalid',
  PublicPolicy: 'PublicPolicy',
  MatchesNothing: 'MatchesNothing',
  WideGrant: 'WideGrant',
  NoRights: 'NoRights',
} as const;
