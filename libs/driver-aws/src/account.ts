import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { CallContext } from '@operator/outcome';
import type { Credentials, DriverDeps, Uplink } from '@operator/s3';

/** Milliseconds after which an account that could not be asked for is asked for again. */
const askAgainMs = 600_000;

/**
 * Finds the account of some credentials, by a call that needs no right. Asked once; undefined where it gets no answer, which is not asked
 * for again for ten minutes.
 * Source: AWS STS API, GetCallerIdentity.
 */
export const createAccountLookUp = (
  uplink: Uplink,
  at: { readonly credentials: Credentials; readonly endpoint: string; readonly region: string },
  { elapsedMs }: Pick<DriverDeps, 'elapsedMs'>,
): ((context: CallContext) => Promise<string | undefined>) => {
  const { credentials, endpoint, region } = at;
  const client = new STSClient({ ...uplink.clientSettings(credentials, { singleAttempt: true }), endpoint, region });
  const target = { service: 'sts', endpoint };
  let account: string | undefined;
  let askAtMs = -Infinity;
  let asking: Promise<void> | undefined;

  const ask = async (context: CallContext): Promise<void> => {
    const command = new GetCallerIdentityCommand({});
    try {
      const answer = await uplink.send(target, command, (options) => client.send(command, options), context);
      account = /^\d{12}$/.exec(answer.Account ?? '')?.[0];
    } catch {
      // Without it calls go as they would on any server; what is wrong with the connection or the credentials, they say themselves.
    }
    if (account === undefined && !context.signal.aborted) askAtMs = elapsedMs() + askAgainMs;
  };

  return async (context) => {
    if (account === undefined && elapsedMs() >= askAtMs) {
      asking ??= ask(context).finally(() => {
        asking = undefined;
      });
      await asking;
    }
    return account;
  };
};
