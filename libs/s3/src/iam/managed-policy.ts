import { isDeepStrictEqual } from 'node:util';
import {
  AttachUserPolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DetachUserPolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  ListPolicyVersionsCommand,
  type IAMClientResolvedConfig,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  type Tag,
} from '@aws-sdk/client-iam';
import { reasons } from '@operator/api';
import { transient, waiting, type CallContext } from '@operator/outcome';
import { tagsOfOwner } from '@operator/ownership';
import type { Command } from '@smithy/core/client';
import type { Tags } from '../owner-mark.ts';
import { policyBytes, type KeyUser, type RenderedPolicy } from '../key-issuer.ts';
import { exists, gone } from './iam-codes.ts';
import { mostInlineBytes } from './iam-key-issuer.ts';

/** Sends one command; undefined where the server answers with one of the codes that stand for absence. */
export type SendIam = <Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
  command: Command<Input, Output, IAMClientResolvedConfig, ServiceInputTypes, ServiceOutputTypes>,
  context: CallContext,
  absentCodes?: readonly string[],
) => Promise<Output | undefined>;

export interface ManagedPolicy {
  readonly arn: string;
  readonly document: RenderedPolicy;
}

/** True for what needs a managed policy. */
export const isLarge = (policy: RenderedPolicy): boolean => policyBytes(policy) > mostInlineBytes;

/** A document as IAM answers it. */
export const documentIn = (text: string): RenderedPolicy => JSON.parse(decodeURIComponent(text)) as RenderedPolicy;

/** Tags as IAM takes them. */
export const tagList = (tags: Tags): Tag[] => [...tags].map(([Key, Value]) => ({ Key, Value }));

/** The policy has the name of its user, and lies on the same path. */
const arnFor = (userArn: string): string => userArn.replace(':user/', ':policy/');

/**
 * The managed policy of a user, for a document that is too large for an inline one. It has the user's own name and path, bears the mark in
 * tags, and is only changed, detached or deleted when it does.
 */
export const createManagedPolicies = (
  send: SendIam,
  {
    pathOf,
    isOwn,
  }: { readonly pathOf: (user: KeyUser) => string; readonly isOwn: (user: KeyUser, tags: readonly Tag[]) => boolean },
) => {
  const look = async (
    user: KeyUser,
    arn: string,
    context: CallContext,
  ): Promise<ManagedPolicy | 'not shown' | 'not ours'> => {
    const found = (await send(new GetPolicyCommand({ PolicyArn: arn }), context, gone))?.Policy;
    if (found?.DefaultVersionId === undefined) return 'not shown';
    if (!isOwn(user, found.Tags ?? [])) return 'not ours';
    const version = { PolicyArn: arn, VersionId: found.DefaultVersionId };
    const shown = await send(new GetPolicyVersionCommand(version), context, gone);
    const document = shown?.PolicyVersion?.Document;
    return document === undefined ? 'not shown' : { arn, document: documentIn(document) };
  };

  /** That of the user, where one of these ARNs has its path and name. Undefined: there is none, or it is somebody else's. */
  const readAmong = async (
    user: KeyUser,
    arns: readonly string[],
    context: CallContext,
  ): Promise<ManagedPolicy | undefined> => {
    const arn = arns.find((one) => one.endsWith(`:policy${pathOf(user)}${user.name}`));
    const found = arn === undefined ? 'not shown' : await look(user, arn, context);
    return typeof found === 'string' ? undefined : found;
  };

  /** Removes the versions that are not in force: IAM keeps five, and deletes no policy that has others than its default. */
  const prune = async (PolicyArn: string, context: CallContext): Promise<void> => {
    const found = await send(new ListPolicyVersionsCommand({ PolicyArn }), context, gone);
    for (const { VersionId, IsDefaultVersion } of found?.Versions ?? []) {
      if (IsDefaultVersion === true || VersionId === undefined) continue;
      await send(new DeletePolicyVersionCommand({ PolicyArn, VersionId }), context, gone);
    }
  };

  return {
    /** That which is attached to the user. `attached`: only ARNs of the same account, and Amazon's. */
    readAmong,

    /** That of the user, attached or not. */
    readOf: (user: KeyUser, userArn: string, context: CallContext) => readAmong(user, [arnFor(userArn)], context),

    /** @throws Fault `waiting` NotOwned; `transient` KeyNotUsableYet while IAM does not show what it has */
    async put(user: KeyUser, userArn: string, policy: RenderedPolicy, context: CallContext): Promise<void> {
      const arn = arnFor(userArn);
      const PolicyDocument = JSON.stringify(policy);
      const Tags = tagList(tagsOfOwner(user.mark));
      const create = new CreatePolicyCommand({ PolicyName: user.name, Path: pathOf(user), PolicyDocument, Tags });
      if ((await send(create, context, exists)) === undefined) {
        const found = await look(user, arn, context);
        if (found === 'not shown') {
          throw transient(
            reasons.KeyNotUsableYet,
            `IAM has a policy named ${user.name} and does not show ${arn} yet. Delete it if it is on another path.`,
          );
        }
        if (found === 'not ours') {
          throw waiting(reasons.NotOwned, `A policy ${arn} exists and does not carry the mark of this object.`, {
            retryAfterMs: 300_000,
          });
        }
        if (!isDeepStrictEqual(found.document, policy)) {
          await prune(arn, context);
          await send(new CreatePolicyVersionCommand({ PolicyArn: arn, PolicyDocument, SetAsDefault: true }), context);
        }
      }
      await send(new AttachUserPolicyCommand({ UserName: user.name, PolicyArn: arn }), context);
    },

    /** Only for one that was read: it is ours. */
    async remove({ name }: KeyUser, { arn: PolicyArn }: ManagedPolicy, context: CallContext): Promise<void> {
      await send(new DetachUserPolicyCommand({ UserName: name, PolicyArn }), context, gone);
      await prune(PolicyArn, context);
      await send(new DeletePolicyCommand({ PolicyArn }), context, gone);
    },
  };
};
