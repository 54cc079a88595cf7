import type { CallContext, Redacted } from '@operator/outcome';
import { reasons } from '@operator/api';
import { waiting, type Fault } from '@operator/outcome';
import type { RenderedPolicy } from '@operator/s3';
import type { AdminCall, AdminClient } from './admin-client.ts';

/** A user, as far as we look at it. */
export interface AdminUser {
  readonly isEnabled: boolean;
  /** Names of the canned policies attached to the user itself. */
  readonly policies: readonly string[];
  /** Names of the groups it is in, whose policies it has too. */
  readonly groups: readonly string[];
}

export interface ServiceAccount {
  readonly accessKeyId: string;
  readonly isEnabled: boolean;
  readonly description: string;
}

/** A service account to create: it has all rights of its parent, no more and no less. */
export interface NewServiceAccount {
  readonly parent: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: Redacted<string>;
  /** `^[A-Za-z][A-Za-z0-9_-]*`, at most 32 characters. */
  readonly name: string;
  /** At most 256 characters. */
  readonly description: string;
}

type Fields = Readonly<Record<string, unknown>>;

const notMinio = ({ operation }: AdminCall): Fault =>
  waiting(reasons.RequestRefused, `${operation}: the answer is not one of MinIO's admin API.`, {
    retryAfterMs: 300_000,
  });

/** The answer as an object. @throws Fault `waiting` RequestRefused: it is not from MinIO */
const fieldsOf = (call: AdminCall, value: unknown): Fields => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw notMinio(call);
};

/** A text of the answer that nothing goes without. @throws Fault as above */
const textOf = (call: AdminCall, value: unknown): string => {
  if (typeof value === 'string' && value !== '') return value;
  throw notMinio(call);
};

/** True for success, false for the code that says that there was nothing to do. */
const change = async (
  client: AdminClient,
  call: AdminCall,
  nothingToDo: string,
  context: CallContext,
): Promise<boolean> => 'value' in (await client.sendExpecting(call, [nothingToDo], context));

/** The object, or undefined for the code that says that there is none. */
const look = async (
  client: AdminClient,
  call: AdminCall,
  absent: string,
  context: CallContext,
): Promise<Fields | undefined> => {
  const answer = await client.sendExpecting(call, [absent], context);
  return 'value' in answer ? fieldsOf(call, answer.value) : undefined;
};

/** Undefined when there is no such user. */
export const getUser = async (
  client: AdminClient,
  name: string,
  context: CallContext,
): Promise<AdminUser | undefined> => {
  const call: AdminCall = {
    operation: 'GetUserInfo',
    method: 'GET',
    path: '/user-info',
    query: { accessKey: name },
    answer: 'plain',
  };
  const user = await look(client, call, 'XMinioAdminNoSuchUser', context);
  if (user === undefined) return undefined;
  const policies = typeof user.policyName === 'string' ? user.policyName.split(',') : [];
  return {
    isEnabled: user.status === 'enabled',
    policies: policies.map((policy) => policy.trim()).filter((policy) => policy !== ''),
    groups: (Array.isArray(user.memberOf) ? (user.memberOf as unknown[]) : []).filter(
      (group) => typeof group === 'string',
    ),
  };
};

/** Names of all users. One key derivation. */
export const listUserNames = async (client: AdminClient, context: CallContext): Promise<readonly string[]> => {
  const call: AdminCall = { operation: 'ListUsers', method: 'GET', path: '/list-users', answer: 'sealed' };
  return Object.keys(fieldsOf(call, await client.send(call, context)));
};

/** Takes a user out of a group; an absent group counts as done. */
export const leaveGroup = async (
  client: AdminClient,
  user: string,
  group: string,
  context: CallContext,
): Promise<void> => {
  const call: AdminCall = {
    operation: 'UpdateGroupMembers',
    method: 'PUT',
    path: '/update-group-members',
    body: { group, members: [user], isRemove: true },
  };
  await change(client, call, 'XMinioAdminNoSuchGroup', context);
};

/** Creates an enabled user. One that exists gets the new secret. One key derivation. */
export const addUser = async (
  client: AdminClient,
  name: string,
  secret: Redacted<string>,
  context: CallContext,
): Promise<void> => {
  const body = { secretKey: secret.reveal(), status: 'enabled' };
  await client.send(
    { operation: 'AddUser', method: 'PUT', path: '/add-user', query: { accessKey: name }, body, sealsBody: true },
    context,
  );
};

/** Removes the user with all its service accounts. False when there is none. */
export const removeUser = (client: AdminClient, name: string, context: CallContext): Promise<boolean> => {
  const call: AdminCall = {
    operation: 'RemoveUser',
    method: 'DELETE',
    path: '/remove-user',
    query: { accessKey: name },
  };
  return change(client, call, 'XMinioAdminNoSuchUser', context);
};

/** Undefined when there is no such canned policy. */
export const getCannedPolicy = (
  client: AdminClient,
  name: string,
  context: CallContext,
): Promise<RenderedPolicy | undefined> => {
  const call: AdminCall = {
    operation: 'InfoCannedPolicy',
    method: 'GET',
    path: '/info-canned-policy',
    query: { name },
    answer: 'plain',
  };
  return look(client, call, 'XMinioAdminNoSuchPolicy', context);
};

/** Creates or replaces it; users that have it attached have the new rights at once. */
export const putCannedPolicy = async (
  client: AdminClient,
  name: string,
  policy: RenderedPolicy,
  context: CallContext,
): Promise<void> => {
  await client.send(
    { operation: 'AddCannedPolicy', method: 'PUT', path: '/add-canned-policy', query: { name }, body: policy },
    context,
  );
};

/**
 * An absent one counts as removed.
 * @throws Fault `transient` Conflict while it is attached to somebody
 */
export const removeCannedPolicy = async (client: AdminClient, name: string, context: CallContext): Promise<void> => {
  const call: AdminCall = {
    operation: 'RemoveCannedPolicy',
    method: 'DELETE',
    path: '/remove-canned-policy',
    query: { name },
  };
  await change(client, call, 'XMinioAdminNoSuchPolicy', context);
};

const changePolicies = async (
  client: AdminClient,
  to: 'attach' | 'detach',
  user: string,
  policies: readonly string[],
  context: CallContext,
): Promise<void> => {
  const operation = to === 'attach' ? 'AttachPolicy' : 'DetachPolicy';
  const path = `/idp/builtin/policy/${to}`;
  const call: AdminCall = { operation, method: 'POST', path, body: { policies, user }, sealsBody: true };
  await change(client, call, 'XMinioAdminPolicyChangeAlreadyApplied', context);
};

/** One key derivation. */
export const attachPolicy = (client: AdminClient, user: string, policy: string, context: CallContext): Promise<void> =>
  changePolicies(client, 'attach', user, [policy], context);

/** One key derivation. `policies`: at least one. */
export const detachPolicies = (
  client: AdminClient,
  user: string,
  policies: readonly string[],
  context: CallContext,
): Promise<void> => changePolicies(client, 'detach', user, policies, context);

/** Empty when there is no such user. One key derivation. */
export const listServiceAccounts = async (
  client: AdminClient,
  parent: string,
  context: CallContext,
): Promise<readonly ServiceAccount[]> => {
  const call: AdminCall = {
    operation: 'ListServiceAccounts',
    method: 'GET',
    path: '/list-service-accounts',
    query: { user: parent },
    answer: 'sealed',
  };
  const { accounts } = fieldsOf(call, await client.send(call, context));
  return (Array.isArray(accounts) ? (accounts as unknown[]) : []).map((entry) => {
    const account = fieldsOf(call, entry);
    return {
      accessKeyId: textOf(call, account.accessKey),
      isEnabled: account.accountStatus === 'on',
      description: typeof account.description === 'string' ? account.description : '',
    };
  });
};

/** The user whose rights a service account has; undefined when there is no such service account. One key derivation. */
export const parentOf = async (
  client: AdminClient,
  accessKeyId: string,
  context: CallContext,
): Promise<string | undefined> => {
  const query = { accessKey: accessKeyId };
  const call: AdminCall = {
    operation: 'InfoServiceAccount',
    method: 'GET',
    path: '/info-service-account',
    query,
    answer: 'sealed',
  };
  const account = await look(client, call, 'XMinioInvalidIAMCredentials', context);
  return account === undefined ? undefined : textOf(call, account.parentUser);
};

/** False when the access key id is taken. One key derivation. */
export const addServiceAccount = (
  client: AdminClient,
  account: NewServiceAccount,
  context: CallContext,
): Promise<boolean> => {
  const body = {
    targetUser: account.parent,
    accessKey: account.accessKeyId,
    secretKey: account.secretAccessKey.reveal(),
    name: account.name,
    description: account.description,
  };
  const call: AdminCall = {
    operation: 'AddServiceAccount',
    method: 'PUT',
    path: '/add-service-account',
    body,
    sealsBody: true,
  };
  return change(client, call, 'XMinioIAMServiceAccountNotAllowed', context);
};

/** Gives a service account that secret or description; what is left out stays. One key derivation. */
export const updateServiceAccount = async (
  client: AdminClient,
  accessKeyId: string,
  { secret, description }: { readonly secret?: Redacted<string>; readonly description?: string },
  context: CallContext,
): Promise<void> => {
  const query = { accessKey: accessKeyId };
  const body = {
    ...(secret === undefined ? {} : { newSecretKey: secret.reveal() }),
    ...(description === undefined ? {} : { newDescription: description }),
  };
  await client.send(
    {
      operation: 'UpdateServiceAccount',
      method: 'POST',
      path: '/update-service-account',
      query,
      body,
      sealsBody: true,
    },
    context,
  );
};

/** False when there is none, or when it is another user's and we may not remove it: the server tells the two apart no better. */
export const deleteServiceAccount = (
  client: AdminClient,
  accessKeyId: string,
  context: CallContext,
): Promise<boolean> => {
  const query = { accessKey: accessKeyId };
  const call: AdminCall = {
    operation: 'DeleteServiceAccount',
    method: 'DELETE',
    path: '/delete-service-account',
    query,
  };
  return change(client, call, 'XMinioInvalidIAMCredentials', context);
};

/** The version of the server, such as `2025-10-15T17:29:55Z`; undefined when we may not ask. */
export const getServerVersion = async (client: AdminClient, context: CallContext): Promise<string | undefined> => {
  const call: AdminCall = { operation: 'ServerInfo', method: 'GET', path: '/info', answer: 'plain' };
  const info = await look(client, call, 'AccessDenied', context);
  const [server] = Array.isArray(info?.servers) ? (info.servers as unknown[]) : [];
  const version = server === undefined ? undefined : fieldsOf(call, server).version;
  return typeof version === 'string' ? version : undefined;
};

/** The bytes that a bucket may hold; 0 where it has no quota. The server enforces `size`, and `quota` only where that is 0. */
export const getBucketQuota = async (client: AdminClient, bucket: string, context: CallContext): Promise<number> => {
  const call: AdminCall = {
    operation: 'GetBucketQuota',
    method: 'GET',
    path: '/get-bucket-quota',
    query: { bucket },
    answer: 'plain',
  };
  const found = await look(client, call, 'NoSuchBucket', context);
  if (found === undefined) {
    throw waiting(
      reasons.RequestRefused,
      `${call.operation}: MinIO's admin API at ${client.endpoint} has no bucket ${bucket}. Is the Provider's spec.adminEndpoint right?`,
      { retryAfterMs: 60_000 },
    );
  }
  // Of tools that set one of the two alone the other is what it was, or 0.
  const [bytes = 0] = [found.size, found.quota].filter((one): one is number => typeof one === 'number' && one > 0);
  return bytes;
};

/** `bytes`: 0 removes the quota. */
export const setBucketQuota = async (
  client: AdminClient,
  bucket: string,
  bytes: number,
  context: CallContext,
): Promise<void> => {
  const body = bytes === 0 ? { quota: 0 } : { quota: bytes, size: bytes, quotatype: 'hard' };
  await client.send(
    { operation: 'SetBucketQuota', method: 'PUT', path: '/set-bucket-quota', query: { bucket }, body },
    context,
  );
};

/** Where a bucket's replication may copy to, as the server keeps it. */
export interface RemoteTarget {
  readonly arn: string;
  /** Host, and port if any. */
  readonly host: string;
  readonly isSecure: boolean;
  readonly bucket: string;
  readonly accessKeyId: string;
  /** Between two looks whether it is there; the server keeps whole nanoseconds. */
  readonly healthCheckNs: number;
}

export interface NewRemoteTarget extends Omit<RemoteTarget, 'arn' | 'accessKeyId'> {
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: Redacted<string> };
}

/** The targets of a bucket for replication. */
export const listRemoteTargets = async (
  client: AdminClient,
  bucket: string,
  context: CallContext,
): Promise<readonly RemoteTarget[]> => {
  const query = { bucket, type: 'replication' };
  const call: AdminCall = {
    operation: 'ListRemoteTargets',
    method: 'GET',
    path: '/list-remote-targets',
    query,
    answer: 'plain',
  };
  const answer = await client.send(call, context);
  return (Array.isArray(answer) ? (answer as unknown[]) : []).map((entry) => {
    const target = fieldsOf(call, entry);
    return {
      arn: textOf(call, target.arn),
      host: textOf(call, target.endpoint),
      isSecure: target.secure === true,
      bucket: textOf(call, target.targetbucket),
      accessKeyId: textOf(call, fieldsOf(call, target.credentials).accessKey),
      healthCheckNs: typeof target.healthCheckDuration === 'number' ? target.healthCheckDuration : 0,
    };
  });
};

/** Codes by which the server tells why it does not take a target. */
export const targetRefusals = [
  'ReplicationSourceNotVersionedError',
  'RemoteTargetNotVersionedError',
  'XMinioAdminReplicationRemoteConnectionError',
  'XMinioAdminRemoteTargetNotFoundError',
  'XMinioAdminBucketRemoteAlreadyExists',
  'XMinioAdminRemoteIdenticalToSource',
] as const;
export type TargetRefusal = (typeof targetRefusals)[number];

/**
 * Makes a target, and gives its ARN; the same again gives the same ARN and changes nothing. `arn`: of one that is there, which gets these
 * credentials. The server looks whether it reaches the other one with them. One key derivation.
 */
export const setRemoteTarget = async (
  client: AdminClient,
  sourceBucket: string,
  target: NewRemoteTarget,
  arn: string | undefined,
  context: CallContext,
): Promise<{ readonly arn: string } | { readonly refusal: TargetRefusal }> => {
  const call: AdminCall = {
    operation: 'SetRemoteTarget',
    method: 'PUT',
    path: '/set-remote-target',
    query: {
      bucket: sourceBucket,
      ...(arn === undefined ? {} : { update: 'true', creds: 'true', healthcheck: 'true' }),
    },
    body: {
      sourcebucket: sourceBucket,
      endpoint: target.host,
      credentials: {
        accessKey: target.credentials.accessKeyId,
        secretKey: target.credentials.secretAccessKey.reveal(),
      },
      targetbucket: target.bucket,
      secure: target.isSecure,
      path: 'auto',
      api: 's3v4',
      type: 'replication',
      region: target.region,
      replicationSync: false,
      healthCheckDuration: target.healthCheckNs,
      ...(arn === undefined ? {} : { arn }),
    },
    sealsBody: true,
    answer: 'plain',
  };
  const answer = await client.sendExpecting(call, targetRefusals, context);
  return 'value' in answer ? { arn: textOf(call, answer.value) } : { refusal: answer.code as TargetRefusal };
};

/** An absent one counts as removed. @throws Fault `waiting` RequestRefused while a rule has it */
export const removeRemoteTarget = async (
  client: AdminClient,
  bucket: string,
  arn: string,
  context: CallContext,
): Promise<void> => {
  const call: AdminCall = {
    operation: 'RemoveRemoteTarget',
    method: 'DELETE',
    path: '/remove-remote-target',
    query: { bucket, arn },
  };
  await change(client, call, 'XMinioAdminRemoteTargetNotFoundError', context);
};
