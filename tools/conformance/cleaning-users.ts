import {
  DeleteAccessKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  IAMClient,
  ListAccessKeysCommand,
  ListUserPoliciesCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam';
import { namespacePrefix } from './cleaning.ts';
import { failureOf, type Target } from './target.ts';

/** Users of AccessKeys are named by their namespace, `s3-<namespace>-<name>-<16 hexadecimal digits>`: nobody else's are named so. */
const usersOf = (namespace: string): RegExp => new RegExp(`^s3-${namespace}[a-z0-9-]*-[0-9a-f]{16}$`);

/** Pure: whether a user is one that a run of the suite made. */
export const isUserOfRun = (name: string): boolean => usersOf(namespacePrefix).test(name);

const removeUser = async (client: IAMClient, UserName: string): Promise<void> => {
  const { AccessKeyMetadata = [] } = await client.send(new ListAccessKeysCommand({ UserName }));
  for (const { AccessKeyId } of AccessKeyMetadata)
    await client.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
  const { PolicyNames = [] } = await client.send(new ListUserPoliciesCommand({ UserName }));
  for (const PolicyName of PolicyNames) await client.send(new DeleteUserPolicyCommand({ UserName, PolicyName }));
  await client.send(new DeleteUserCommand({ UserName }));
};

/**
 * Removes the users that runs left, where the server speaks the AWS IAM protocol. `namespace`: of one run; of all when absent.
 * @returns how many could not be removed
 */
export const cleanUsers = async (
  target: Target,
  { namespace = namespacePrefix, log }: { readonly namespace?: string; readonly log: (line: string) => void },
): Promise<number> => {
  const { iamEndpoint, region, accessKey: accessKeyId, secretKey: secretAccessKey, sessionToken } = target;
  if (iamEndpoint === undefined) return 0;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  const client = new IAMClient({ endpoint: iamEndpoint, region, credentials });
  let left = 0;
  try {
    const names: string[] = [];
    let Marker: string | undefined;
    do {
      const page = await client.send(new ListUsersCommand(Marker === undefined ? {} : { Marker }));
      names.push(
        ...(page.Users ?? []).flatMap(({ UserName = '' }) => (usersOf(namespace).test(UserName) ? UserName : [])),
      );
      Marker = page.IsTruncated === true ? page.Marker : undefined;
    } while (Marker !== undefined);
    for (const name of names) {
      try {
        await removeUser(client, name);
        log(`removed user ${name}`);
      } catch (error) {
        left += 1;
        log(`user ${name} could not be removed: ${failureOf(error)}. Remove it manually.`);
      }
    }
  } catch (error) {
    left += 1;
    log(`users could not be listed: ${failureOf(error)}. Look for users named s3-${namespace}….`);
  } finally {
    client.destroy();
  }
  return left;
};
